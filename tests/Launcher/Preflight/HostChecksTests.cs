using System.Runtime.Versioning;
using System.Text.RegularExpressions;
using OpenEmbedding.Collectives;
using OpenEmbedding.Launcher.Options;
using OpenEmbedding.Launcher.Preflight;

namespace OpenEmbedding.Launcher.Tests.Preflight;

/// <summary>Checks of hosts, reached by a script in place of ssh.</summary>
[Trait("Kind", "Job")]
[SupportedOSPlatform("linux")]
public sealed class HostChecksTests : IDisposable
{
    // Passes over ssh's options and the host.
    private const string TakeCommand = "while [ \"${1#-}\" != \"$1\" ]; do shift; done; host=$1; shift; ";

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("oe-checks-");
    private readonly string _mpirun = MpirunFinder.Find(Environment.GetEnvironmentVariable("PATH")!);

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public void HostThatHasAllIsFine()
    {
        CheckedHost host = Check(TakeCommand + "exec sh -c \"$*\"");

        Assert.Null(host.Problem);
        Assert.Equal(Environment.MachineName, host.Report!.Name);
    }

    [Fact]
    public void ThisHostIsNotAskedBySsh() =>
        Assert.All(Checks("exit 1", "sh").Run(HostList.Parse($"localhost,127.0.0.1,{Environment.MachineName}")), host => Assert.Null(host.Problem));

    [Fact]
    public void HostThatSshDoesNotReach() => AssertProblem(
        "echo 'ssh: connect to host far port 22: Connection refused' >&2; exit 255",
        "host far cannot be reached: ssh: connect to host far port 22: Connection refused; 'ssh -oBatchMode=yes far true' must work from this host");

    [Fact]
    public void HostThatDoesNotAnswer()
    {
        CheckedHost host = Check("exec sleep 60", limitSeconds: 0.2);

        Assert.Equal("host far does not answer within 0.2 s (--start-timeout)", host.Problem);
    }

    [Fact]
    public void HostWithoutTheFolder() => AssertProblem(
        $"{TakeCommand}mkdir -p {_folder}/away; exec sh -c \"$(echo \"$*\" | sed 's:cd [^ ]*:cd {_folder}/nowhere:')\"",
        $"host far has no folder {Environment.CurrentDirectory}; the working folder must be at the same path on every host");

    [Fact]
    public void HostWithoutThisProgram() => AssertProblem(
        TakeCommand + "exec sh -c \"$*\"",
        "host far has no /nonexistent/oe-run; the checkout with its build must be at the same path on every host",
        self: ["/nonexistent/oe-run"]);

    [Fact]
    public void HostWithoutTheProgramOfTheRanks() => AssertProblem(TakeCommand + "exec sh -c \"$*\"", "host far has no program bin/nothing", program: "bin/nothing");

    [Theory]
    [InlineData("\"Version\":\"[^\"]*\"", "\"Version\":\"0.0.1\"", "host far has version 0.0.1 of the program, this host has *; copy the build to every host")]
    [InlineData("\"Mpich\":\"[^\"]*\"", "\"Mpich\":\"3.3\"", "host far has MPICH 3.3, this host has *; install the same version on every host")]
    [InlineData("\"Mpich\":\"[^\"]*\"", "\"Mpich\":null", "host far cannot load libmpich.so.12, *: install the package mpich")]
    [InlineData("\"HasProxy\":true", "\"HasProxy\":false", "host far has no *hydra_pmi_proxy, which mpirun starts there: install the package mpich")]
    public void HostThatDiffers(string has, string other, string problem)
    {
        CheckedHost host = Check($"{TakeCommand}sh -c \"$*\" | sed 's/{has}/{other}/'");

        Assert.Matches("^" + problem.Replace("*", ".*", StringComparison.Ordinal) + "$", host.Problem);
    }

    [Fact]
    public void HostThatDoesNotReachThisOne() => AssertProblem(
        $"{TakeCommand}exec sh -c \"$*\"",
        "host far cannot connect to this host, nowhere.invalid: Name or service not known; "
        + "TCP ports must be open between the hosts, --network-interfaces names the network between them",
        address: "nowhere.invalid");

    [Fact]
    public void HostWhoseShellPrintsAtLogin() => AssertProblem(
        "echo Welcome",
        "host far answers 'Welcome' where a report of *OpenEmbedding.Launcher.dll was expected; it has another version of the program, or its shell prints at login");

    [Fact]
    public void RunOnHostsThatFailTheCheckStartsNothing()
    {
        string ssh = Script("exit 255");
        using var job = new OeRun("--launcher-exec", ssh, "-H", "far1:1,far2:1", "sh", "-c", "echo started");

        (string[] output, string[] error, int exitCode) = job.Finish();

        Assert.Equal(JobExitCode.Cluster, exitCode);
        Assert.Empty(output);
        Assert.Equal(["oe-run: host far1 cannot", "oe-run: host far2 cannot"], error.Select(line => line[..24]));
    }

    private void AssertProblem(string ssh, string problem, string program = "sh", string[]? self = null, string? address = null)
    {
        CheckedHost host = Assert.Single(Checks(ssh, program, self, address).Run(HostList.Parse("far")));

        Assert.Matches("^" + Regex.Escape(problem).Replace("\\*", ".*", StringComparison.Ordinal) + "$", host.Problem);
    }

    private CheckedHost Check(string ssh, double limitSeconds = 30) =>
        Assert.Single(Checks(ssh, "sh", limitSeconds: limitSeconds).Run(HostList.Parse("far")));

    private HostChecks Checks(string ssh, string program, string[]? self = null, string? address = null, double limitSeconds = 30) => new(
        new RemoteShell(new RemoteStartOptions { LauncherProgram = Script(ssh) }),
        _mpirun,
        program,
        self ?? [Environment.ProcessPath!, typeof(Program).Assembly.Location],
        address ?? "localhost",
        TimeSpan.FromSeconds(limitSeconds));

    private string Script(string text)
    {
        string path = Path.Combine(_folder.FullName, "ssh");
        File.WriteAllText(path, $"#!/bin/sh\n{text}\n");
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserExecute | UnixFileMode.UserWrite);
        return path;
    }
}
