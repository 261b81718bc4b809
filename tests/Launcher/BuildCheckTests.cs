using OpenEmbedding.Launcher.Checks;

namespace OpenEmbedding.Launcher.Tests;

public sealed class BuildCheckTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("oe-run-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void NamesAllThatIsMissingAndNothingElse()
    {
        var output = new StringWriter { NewLine = "\n" };

        int result = BuildCheck.Write(
            output,
            [
                ("One", [new("first", true, "here", Required: true), new("second one", false, "not here", Required: true)]),
                ("Two", [new("third", false, "nowhere"), new("fourth", false, "gone", Required: true)]),
            ]);

        Assert.Equal(4, result);
        Assert.Equal(
            """
            One
              [X] first       here
              [ ] second one  not here

            Two
              [ ] third       nowhere
              [ ] fourth      gone

            No job can run on this machine; missing: second one, fourth

            """,
            output.ToString());
    }

    [Fact]
    public void AJobCanRunWhereAllThatIsRequiredIsThere()
    {
        Assert.Equal(0, BuildCheck.Write(TextWriter.Null, [("One", [new("first", true, "here", Required: true), new("second", false, "")])]));
    }

    [Fact]
    public void FindsTheLibrariesOfTheTrainerByItsScript()
    {
        string build = Path.Combine(_folder, "build");
        string script = Path.Combine(_folder, "oe-train");
        Directory.CreateDirectory(Path.Combine(build, "native"));
        File.WriteAllText(script, "#!/bin/sh\nfolder=${0%/*}\nprogram=$folder/./build/OpenEmbedding.Trainer.dll\nexec dotnet \"$program\"\n");
        Assert.Equal([$"{script} starts {build}/OpenEmbedding.Trainer.dll, which is not there: run scripts/setup.sh", "unknown without oe-train"], Details(script));

        File.WriteAllText(Path.Combine(build, "OpenEmbedding.Trainer.dll"), "");
        File.WriteAllText(Path.Combine(build, "OpenEmbedding.Trainer.deps.json"), """{"libraries": {"TorchSharp/0.107.0": {}, "libtorch-cpu-linux-x64/2.10.0": {}}}""");
        Assert.Equal([script, $"TorchSharp 0.107.0, but libLibTorchSharp.so is not below {build}: run scripts/setup.sh"], Details(script));

        File.WriteAllText(Path.Combine(build, "native", "libLibTorchSharp.so"), "");
        File.WriteAllText(Path.Combine(build, "native", "libtorch_cpu.so"), "");
        Assert.Equal([script, $"2.10.0 for CPU, TorchSharp 0.107.0, {build}/native"], Details(script));

        File.WriteAllText(Path.Combine(build, "native", "libtorch_cuda.so"), "");
        Assert.Equal([script, $"2.10.0 for CUDA and CPU, TorchSharp 0.107.0, {build}/native"], Details(script));
    }

    [Fact]
    public void SaysThatThereIsNoTrainer()
    {
        IReadOnlyList<CheckResult> results = TrainerFiles.Check("oe-train", _folder);

        Assert.All(results, result => Assert.True(result is { Required: true, Found: false }));
        Assert.Equal("oe-train is not there: run scripts/setup.sh, and put bin/ on PATH", results[0].Detail);
    }

    [Theory]
    [InlineData(2708, "2.7.8")]
    [InlineData(21005, "2.10.5")]
    [InlineData(22304, "2.23.4")]
    public void ReadsTheVersionOfNccl(int version, string expected)
    {
        Assert.Equal(expected, NativeLibraries.DescribeNccl(version));
    }

    [Theory]
    [InlineData("MPICH Version:\t4.0.2\nMPICH Release date:\tThu\nMPICH ABI:\t14:2:2\nMPICH Device:\tch4:ucx\nMPICH configure:\t--x\n", "4.0.2, ABI 14:2:2, Device ch4:ucx")]
    [InlineData("Intel(R) MPI Library 2021.9 for Linux* OS\nmore", "Intel(R) MPI Library 2021.9 for Linux* OS")]
    public void ReadsTheVersionOfMpich(string text, string expected)
    {
        Assert.Equal(expected, NativeLibraries.DescribeMpich(text));
    }

    [Fact]
    [Trait("Kind", "Job")]
    public void ThisMachineHasMpich()
    {
        using var job = new OeRun("--check-build");

        (string[] output, _, int result) = job.Finish();

        Assert.Contains(output, line => line.StartsWith("  [X] mpirun", StringComparison.Ordinal));
        Assert.Contains(output, line => line.StartsWith("  [X] libmpich", StringComparison.Ordinal));
        Assert.True(result is 0 or 4, $"the exit code is {result}");
    }

    private IEnumerable<string> Details(string script) => TrainerFiles.Check(script, _folder).Select(result => result.Detail);
}
