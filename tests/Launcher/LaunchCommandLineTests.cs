using OpenEmbedding.Collectives;

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
    [InlineData("--env takes NAME=VALUE; this is 'A'", "-np", "1", "--env", "A", "prog")]
    [InlineData("--env takes NAME=VALUE; this is '=1'", "-np", "1", "--env", "=1", "prog")]
    [InlineData("unknown option --nodes; known are --help --version -np -H --hostfile --env --dry-run --verbose", "-np", "1", "--nodes", "2", "prog")]
    [InlineData("the command of the ranks is missing, as in: oe-run -np 8 examples/criteo.json", "-np", "1")]
    [InlineData("the command of the ranks is missing, as in: oe-run -np 8 examples/criteo.json", "-np", "1", "--")]
    public void NamesWhatIsWrong(string message, params string[] arguments)
    {
        var error = Assert.Throws<OpenEmbeddingException>(() => Parse(arguments));

        Assert.Equal(message, error.Message);
        Assert.Equal(JobExitCode.Configuration, error.ExitCode);
    }

    private static LaunchOptions Parse(params string[] arguments) => new LaunchCommandLine().Parse(arguments, Trainer)!;
}
