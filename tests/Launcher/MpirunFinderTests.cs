using System.Runtime.Versioning;
using OpenEmbedding.Collectives;

namespace OpenEmbedding.Launcher.Tests;

[SupportedOSPlatform("linux")]
public sealed class MpirunFinderTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("oe-run-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("mpirun (Open MPI) 4.1.4")]
    [InlineData("mpirun (OpenRTE) 2.1.1")]
    [InlineData("prterun (PRRTE) 3.0.0")]
    public void RefusesOpenMpi(string version)
    {
        Place("mpirun", version);

        var error = Assert.Throws<OpenEmbeddingException>(() => MpirunFinder.Find(_folder));

        Assert.Equal(
            $"{_folder}/mpirun is Open MPI's, under which every rank would believe to be alone: install the package mpich, which brings mpirun.mpich",
            error.Message);
        Assert.Equal(JobExitCode.Cluster, error.ExitCode);
    }

    [Fact]
    public void TakesMpichBesideOpenMpi()
    {
        Place("mpirun", "mpirun (Open MPI) 4.1.4");
        Place("mpirun.mpich", "HYDRA build details:");

        Assert.Equal(Path.Combine(_folder, "mpirun.mpich"), MpirunFinder.Find(_folder));
    }

    [Theory]
    [InlineData("mpiexec.mpich")]
    [InlineData("mpiexec.hydra")]
    [InlineData("mpirun")]
    [InlineData("mpiexec")]
    public void TakesEveryNameThatHydraGoesBy(string name)
    {
        Place(name, "HYDRA build details:");

        Assert.Equal(Path.Combine(_folder, name), MpirunFinder.Find($"/nonexistent:{_folder}"));
    }

    [Fact]
    public void SaysThatThereIsNone()
    {
        File.WriteAllText(Path.Combine(_folder, "mpirun"), "not executable");

        var error = Assert.Throws<OpenEmbeddingException>(() => MpirunFinder.Find(_folder));

        Assert.Equal(
            "MPICH's process starter is not on PATH (looked for mpirun.mpich, mpiexec.mpich, mpiexec.hydra, mpirun, mpiexec): install the package mpich",
            error.Message);
        Assert.Equal(JobExitCode.Cluster, error.ExitCode);
    }

    private void Place(string name, string version)
    {
        string path = Path.Combine(_folder, name);
        File.WriteAllText(path, $"#!/bin/sh\n[ \"$1\" = --version ] && echo '{version}'\n");
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }
}
