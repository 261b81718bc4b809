namespace OpenEmbedding.Launcher.Tests.Supervision;

/// <summary>Real jobs of harmless commands that are started again.</summary>
[Trait("Kind", "Job")]
public sealed class SupervisedJobTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("oe-supervised-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void JobThatLosesARankIsStartedAgain()
    {
        // Hydra fails by itself when a rank dies while another one starts.
        string bothAreThere = $"touch {_folder}/here.$PMI_RANK; until [ -e {_folder}/here.0 ]; do :; done; ";
        using var job = new OeRun(
            "-np", "2", "--reset-limit", "3", "--output-filename", _folder,
            "sh", "-c", $"echo \"start $OE_RESTARTS\"; {bothAreThere}if [ $PMI_RANK$OE_RESTARTS = 10 ]; then kill -9 $$; fi; [ $OE_RESTARTS = 1 ] || exec sleep 60");

        (string[] output, string[] error, int exitCode) = job.Finish();

        Assert.Equal(0, exitCode);
        Assert.Equal(2, output.Count(line => line == "start 1"));
        Assert.Matches("^oe-run: a rank on host .* was killed by signal 9 \\(SIGKILL\\); the job has ended with exit code 9$", error[0]);
        Assert.Equal(["oe-run: restart 1 of at most 3, on 2 ranks of localhost:2"], error[1..]);
        Assert.Equal("start 0\n", File.ReadAllText(Path.Combine(_folder, "rank.1", "stdout")));
        Assert.Equal("start 1\n", File.ReadAllText(Path.Combine(_folder, "restart.1", "rank.1", "stdout")));
    }

    [Fact]
    public void JobThatFailsEachTimeEndsWithItsFirstFailure()
    {
        using var job = new OeRun("-np", "2", "--reset-limit", "1", "sh", "-c", "echo 'oe-train: rank 0: no space left' >&2; exit $((7 + OE_RESTARTS))");

        (_, string[] error, int exitCode) = job.Finish();

        Assert.Equal(7, exitCode);
        Assert.Equal(
            "oe-run: gives up: --reset-limit 1 is reached; the first failure, with exit code 7, was: oe-train: rank 0: no space left", error[^1]);
    }

    [Fact]
    public void SignalEndsItForGood()
    {
        using var job = new OeRun("-np", "2", "--reset-limit", "5", "sh", "-c", "echo ready; exec sleep 60");
        job.WaitForLines("ready", 2);

        OeRun.Signal(job.Id, 15);
        (string[] output, _, int exitCode) = job.Finish();

        Assert.Equal(130, exitCode);
        Assert.Equal(2, output.Count(line => line == "ready"));
    }

    [Theory]
    [InlineData("--min-np 5 -np 4", "--min-np 5 is more than the 4 ranks of -np")]
    [InlineData("--max-np 1 --min-np 2 -np 1", "--min-np 2 is more than the 1 ranks of --max-np")]
    [InlineData("--blacklist-cooldown-range 30 -np 1", "--blacklist-cooldown-range takes two numbers of seconds, the smaller one first, as in 10,300; this is '30'")]
    [InlineData("--blacklist-cooldown-range 30,5 -np 1", "--blacklist-cooldown-range takes two numbers of seconds, the smaller one first, as in 10,300; this is '30,5'")]
    [InlineData("--host-discovery-script /nonexistent -np 1", "--host-discovery-script takes a program; there is no file '/nonexistent'")]
    [InlineData("--reset-limit -1 -np 1", "--reset-limit takes a whole number of at least 0; this is '-1'")]
    public void WrongRulesAreOneLine(string options, string message)
    {
        using var job = new OeRun([.. options.Split(' '), "true"]);

        (_, string[] error, int exitCode) = job.Finish();

        Assert.Equal(2, exitCode);
        Assert.Equal([$"oe-run: {message}"], error);
    }
}
