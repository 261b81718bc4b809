using OpenEmbedding.Collectives;
using OpenEmbedding.Launcher.CommandLine;
using OpenEmbedding.Launcher.Options;

namespace OpenEmbedding.Launcher.Tests;

public sealed class LaunchCommandLineTests
{
    private const string Trainer = "/opt/bin/oe-train";

    [Fact]
    public void PartsItsOptionsFromTheCommand()
    {
        LaunchOptions options = Parse("-np", "4", "--env", "A=1", "--env", "B=x=y", "--verbose", "--", "prog", "-np", "9", "--", "--env", "@file");

        Assert.Equal(4, options.Ranks);
        Assert.Null(options.Hosts);
        Assert.Equal([new("A", "1"), new("B", "x=y")], options.Environment);
        Assert.Equal(["prog", "-np", "9", "--", "--env", "@file"], options.Command);
        Assert.True(options.Verbose);
        Assert.False(options.DryRun);
    }

    [Theory]
    [InlineData("-np", "2", "prog", "--dry-run")]
    [InlineData("-np=2", "prog", "--dry-run")]
    [InlineData("-n", "2", "--", "prog", "--dry-run")]
    public void TheFirstWordThatIsNoOptionStartsTheCommand(params string[] arguments)
    {
        LaunchOptions options = Parse(arguments);

        Assert.Equal(2, options.Ranks);
        Assert.Equal(["prog", "--dry-run"], options.Command);
        Assert.False(options.DryRun);
    }

    [Fact]
    public void TheTrainerRunsAJsonFile()
    {
        Assert.Equal([Trainer, "examples/criteo.json", "--train.epochs", "2"], Parse("-np", "2", "examples/criteo.json", "--train.epochs", "2").Command);
    }

    [Theory]
    [InlineData(6, "-H", "a:4,b:2", "prog")]
    [InlineData(5, "-np", "5", "-H", "a:4,b:2", "prog")]
    [InlineData(6, "-np", "6", "--hosts", "a:4,b:2", "prog")]
    public void HostsGiveTheNumberOfRanks(int ranks, params string[] arguments)
    {
        LaunchOptions options = Parse(arguments);

        Assert.Equal(ranks, options.Ranks);
        Assert.Equal("a:4,b:2", options.Hosts!.ToString());
    }

    [Theory]
    [InlineData("the number of ranks is missing: give -np N, or hosts with -H or --hostfile", "prog")]
    [InlineData("-np takes a whole number of at least 1; this is '0'", "-np", "0", "prog")]
    [InlineData("-np takes a whole number of at least 1; this is 'two'", "-np", "two", "prog")]
    [InlineData("Required argument missing for option: '-np'.", "-np")]
    [InlineData("-np 7 is more than the 6 slots of the hosts (a:4,b:2)", "-np", "7", "-H", "a:4,b:2", "prog")]
    [InlineData("-H and --hostfile both name hosts; give one of them", "-H", "a:4", "--hostfile", "x", "prog")]
    [InlineData("--env A passes the variable A on, which is not set here; A=VALUE sets it", "-np", "1", "--env", "A", "prog")]
    [InlineData("--env takes NAME=VALUE, or NAME of a variable that is set here; this is '=1'", "-np", "1", "--env", "=1", "prog")]
    [InlineData("--host is not a known option; did you mean \"--hosts\"? (oe-run --help lists all)", "-np", "1", "--host", "a", "prog")]
    [InlineData("--something-else is not a known option (oe-run --help lists all)", "--something-else", "prog")]
    [InlineData("--gloo is not needed: MPI is the only controller", "--gloo", "-np", "2", "prog")]
    [InlineData("--ssh-port takes a whole number from 1 to 65535; this is '70000'", "-np", "1", "--ssh-port", "70000", "prog")]
    [InlineData("--ssh-identity-file takes a file with a private key; there is no file '/nonexistent/key'", "-np", "1", "-i", "/nonexistent/key", "prog")]
    [InlineData("--launcher-exec takes a program; there is no file '/nonexistent/rsh'", "-np", "1", "--launcher-exec", "/nonexistent/rsh", "prog")]
    [InlineData("--bind-to takes none, core, hwthread, numa, socket, or one of these with a number, as core:4; this is 'cores'", "-np", "1", "--bind-to", "cores", "prog")]
    [InlineData("--bind-to and --binding-args both bind the ranks; give one of them", "-np", "1", "--bind-to", "core", "--binding-args", "-bind-to core", "prog")]
    [InlineData("--mpi-args takes arguments of mpirun, the first of which starts with '-'; this is 'x y'", "-np", "1", "--mpi-args", "x y", "prog")]
    [InlineData("--output-filename takes a folder; this is ''", "-np", "1", "--output-filename", "", "prog")]
    [InlineData("--timeline-filename sets cluster.timeline of oe-train; the command of the ranks is 'prog', neither oe-train nor a .json file", "-np", "1", "--timeline-filename", "t.json", "prog")]
    [InlineData("--no-stall-check sets cluster.stall_warning_seconds of oe-train; the command of the ranks is 'prog', neither oe-train nor a .json file", "-np", "1", "--no-stall-check", "prog")]
    [InlineData("--no-stall-check and --stall-check-warning-time-seconds contradict each other; give one of them", "-np", "1", "--no-stall-check", "--stall-check-warning-time-seconds", "5", "a.json")]
    [InlineData("the command of the ranks is missing, as in: oe-run -np 8 examples/criteo.json", "-np", "1")]
    [InlineData("the command of the ranks is missing, as in: oe-run -np 8 examples/criteo.json", "-np", "1", "--")]
    public void NamesWhatIsWrong(string message, params string[] arguments)
    {
        var error = Assert.Throws<OpenEmbeddingException>(() => Parse(arguments));

        Assert.Equal(message, error.Message);
        Assert.Equal(JobExitCode.Configuration, error.ExitCode);
    }

    [Fact]
    public void ReadsNamesOfHorovodrun()
    {
        string file = typeof(LaunchCommandLineTests).Assembly.Location;

        LaunchOptions options = Parse(
            "--num-proc", "2", "-p", "2222", "-i", file, "--launcher-exec", "rsh", "--network-interface", "lo", "--tcp", "--bind-to", "core:2",
            "--mpi-args=-print-all-exitcodes -wdir \"/a b\"", "--output-filename", "out", "-prefix-timestamp", "prog");

        Assert.Equal(new RemoteStartOptions { SshPort = 2222, SshIdentityFile = file, LauncherProgram = "rsh" }, options.RemoteStart);
        Assert.Equal(["lo"], options.Network.Interfaces);
        Assert.True(options.Network.TcpOnly);
        Assert.Equal(["-bind-to", "core:2"], options.Hydra.Binding);
        Assert.Equal(["-print-all-exitcodes", "-wdir", "/a b"], options.Hydra.Arguments);
        Assert.Equal(new OutputOptions { Folder = "out", Prefix = LinePrefix.TimeAndRank }, options.Output);
    }

    [Fact]
    public void NamesTheInterfacesThatAreThere()
    {
        var error = Assert.Throws<OpenEmbeddingException>(() => Parse("-np", "1", "--network-interfaces", "lo,none0", "prog"));

        Assert.Matches("^--network-interfaces takes network interfaces of this host, of which there are (.*, )?lo(, .*)?; this is 'none0'$", error.Message);
    }

    [Fact]
    public void SetsKeysOfTheTrainerBeforeTheUsersOwn()
    {
        LaunchOptions options = Parse(
            "-np", "2", "--timeline-filename", "t.json", "--fusion-threshold-mb", "8", "--stall-check-warning-time-seconds", "5",
            "--stall-check-shutdown-time-seconds", "50", "a.json", "--cluster.timeline", "mine.json");

        Assert.Equal(
            [
                Trainer, "--cluster.fusion_buffer_mb", "8", "--cluster.timeline", "t.json", "--cluster.stall_warning_seconds", "5",
                "--cluster.stall_shutdown_seconds", "50", "a.json", "--cluster.timeline", "mine.json",
            ],
            options.Command);
    }

    [Theory]
    [InlineData(new[] { "--autotune" }, new[] { "--autotune.enabled", "true" })]
    [InlineData(new[] { "--autotune", "--no-autotune" }, new[] { "--autotune.enabled", "false" })]
    [InlineData(new[] { "--autotune-warmup-samples", "3" }, new[] { "--autotune.warmup_steps", "30" })]
    [InlineData(
        new[] { "--autotune", "--autotune-log-file", "t.csv", "--autotune-warmup-samples", "2", "--autotune-steps-per-sample", "7", "--autotune-bayes-opt-max-samples", "20" },
        new[] { "--autotune.log", "t.csv", "--autotune.steps_per_sample", "7", "--autotune.max_samples", "20", "--autotune.enabled", "true", "--autotune.warmup_steps", "14" })]
    [InlineData(new[] { "--cycle-time-ms", "0.5" }, new[] { "--cluster.cycle_time_ms", "0.5" })]
    public void AutotuneIsThatOfTheTrainer(string[] options, string[] keys) =>
        Assert.Equal([Trainer, .. keys, "a.json"], Parse(["-np", "2", .. options, "a.json"]).Command);

    [Theory]
    [InlineData("--autotune sets autotune.enabled of oe-train; the command of the ranks is 'prog', neither oe-train nor a .json file", "--autotune", "prog")]
    [InlineData("--autotune-warmup-samples takes a whole number from 0 to 100000; this is 'x'", "--autotune-warmup-samples", "x", "a.json")]
    [InlineData("--autotune-gaussian-process-noise is not needed: settings are compared in turns, and samples of one setting tell the noise", "--autotune-gaussian-process-noise", "1", "a.json")]
    public void AutotuneOptionsThatAreWrongAreOneLine(string message, params string[] arguments) =>
        Assert.Equal(message, Assert.Throws<OpenEmbeddingException>(() => Parse(["-np", "2", .. arguments])).Message);

    [Fact]
    public void TurnsTheStallCheckOffForATrainerByName()
    {
        Assert.Equal(
            ["bin/oe-train", "--cluster.stall_warning_seconds", "0", "a.json"], Parse("-np", "2", "--no-stall-check", "bin/oe-train", "a.json").Command);
    }

    [Fact]
    public void TheLastValueOfAVariableCountsAndANameAloneTakesItFromHere()
    {
        Assert.Equal([new("A", "2"), new("SET", "here")], Parse("-np", "1", "-x", "A=1", "-x", "SET", "--env", "A=2", "prog").Environment);
    }

    [Theory]
    [InlineData("--help")]
    [InlineData("-h")]
    [InlineData("-np", "2", "--help", "prog")]
    public void HelpNamesEveryOptionInOneLine(params string[] arguments)
    {
        var commandLine = new LaunchCommandLine(Environment);
        string[] lines = Assert.IsType<PrintArguments>(commandLine.Parse(arguments, Trainer)).Text.Split('\n');

        Assert.All(commandLine.Options, option => Assert.Single(lines, line => line.StartsWith($"  {string.Join(", ", option.Names)} ", StringComparison.Ordinal)));
        Assert.All(lines, line => Assert.InRange(line.Length, 0, 140));
    }

    [Fact]
    public void PrintsTheVersion()
    {
        Assert.Matches(@"^oe-run \d+\.\d+\.\d+\S*\n$", Assert.IsType<PrintArguments>(new LaunchCommandLine(Environment).Parse(["-v"], Trainer)).Text);
    }

    [Fact]
    public void NoNameStandsForTwoOptions()
    {
        string[] names =
            [.. new LaunchCommandLine(Environment).Options.SelectMany(option => option.Names), .. UnneededOption.All.SelectMany(option => option.Names)];

        Assert.Equal(names.Distinct(), names);
    }

    private static LaunchOptions Parse(params string[] arguments) =>
        Assert.IsType<LaunchOptions>(new LaunchCommandLine(Environment).Parse(arguments, Trainer));

    private static string? Environment(string name) => name == "SET" ? "here" : null;
}
