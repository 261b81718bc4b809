using System.Net;

namespace OpenEmbedding.Launcher.Tests;

/// <summary>Real jobs of harmless commands under MPICH's mpirun.</summary>
[Trait("Kind", "Job")]
public sealed class JobProcessTests
{
    // Ends with an exit code of its own when a signal comes, and leaves nothing behind that would hold the output open.
    private const string WaitingRank = "sleep 60 & trap 'kill $! 2>/dev/null; echo told; exit 77' INT TERM; echo ready; wait";

    [Theory]
    [InlineData(0)]
    [InlineData(3)]
    [InlineData(130)]
    public void PassesTheExitCodeThrough(int exitCode)
    {
        using var job = new OeRun("-np", "2", "--", "sh", "-c", $"exit {exitCode}");

        (_, string[] error, int result) = job.Finish();

        Assert.Equal(exitCode, result);
        Assert.Empty(error);
    }

    [Fact]
    public void PassesOutputErrorAndVariablesThrough()
    {
        using var job = new OeRun("-np", "2", "--env", "WORD=two words", "sh", "-c", "echo \"out $PMI_RANK $WORD\"; echo \"err $PMI_RANK\" >&2");

        (string[] output, string[] error, int result) = job.Finish();

        Assert.Equal(0, result);
        Assert.Equal(["out 0 two words", "out 1 two words"], output.Order());
        Assert.Equal(["err 0", "err 1"], error.Order());
    }

    [Fact]
    public void RanksFillTheHostsInTheirOrder()
    {
        using var job = new OeRun("-H", "localhost:1,127.0.0.1:2", "sh", "-c", "echo \"$PMI_RANK $MPI_LOCALRANKID of $MPI_LOCALNRANKS\"");

        (string[] output, _, int result) = job.Finish();

        Assert.Equal(0, result);
        Assert.Equal(["0 0 of 1", "1 0 of 2", "2 1 of 2"], output.Order());
    }

    [Theory]
    [InlineData(9, "signal 9 (SIGKILL)")]
    [InlineData(11, "signal 11 (SIGSEGV)")]
    [InlineData(15, "signal 15 (SIGTERM)")]
    public void SaysThatASignalKilledARank(int signal, string name)
    {
        using var job = new OeRun("-np", "2", "sh", "-c", "echo ready $$; exec sleep 60");
        string[] ready = job.WaitForLines("ready", 2);

        OeRun.Signal(int.Parse(ready[1].Split(' ')[1]), signal);
        (string[] output, string[] error, int result) = job.Finish();

        Assert.Equal(signal, result);
        Assert.Contains(output, line => line.Contains("BAD TERMINATION"));
        Assert.Equal([$"oe-run: a rank on host {Dns.GetHostName()} was killed by {name}; the job has ended with exit code {signal}"], error);
    }

    [Fact]
    public void SaysThatARankCouldNotBeStarted()
    {
        using var job = new OeRun("-np", "2", "/nonexistent/program");

        (_, string[] error, int result) = job.Finish();

        Assert.Equal(255, result);
        Assert.Contains(error, line => line.Contains("/nonexistent/program"));
        Assert.Equal("oe-run: mpirun could not start a rank or lost one; its own words are above; the job has ended with exit code 255", error[^1]);
    }

    [Theory]
    [InlineData(2, "signal 2 (SIGINT)")]
    [InlineData(15, "signal 15 (SIGTERM)")]
    public void ForwardsASignalToEveryRank(int signal, string name)
    {
        using var job = new OeRun("-np", "2", "sh", "-c", WaitingRank);
        job.WaitForLines("ready", 2);

        OeRun.Signal(job.Id, signal);
        (string[] output, string[] error, int result) = job.Finish();

        Assert.Equal(2, output.Count(line => line == "told"));
        // Hydra now and then loses the exit code of ranks that it has sent a signal to, and returns 0.
        Assert.True(result is 77 or 130, $"the exit code is {result}");
        Assert.Equal([$"oe-run: interrupted by {name}; the job has ended with exit code {result}"], error);
    }

    [Theory]
    [InlineData(1, "signal 15 (SIGTERM)")]
    [InlineData(2, "signal 2 (SIGINT)")]
    [InlineData(15, "signal 15 (SIGTERM)")]
    public void EndsAsInterruptedWhenTheRanksChooseNoExitCode(int signal, string name)
    {
        using var job = new OeRun("-np", "2", "sh", "-c", "echo ready; exec sleep 60");
        job.WaitForLines("ready", 2);

        OeRun.Signal(job.Id, signal);
        (_, string[] error, int result) = job.Finish();

        Assert.Equal(130, result);
        Assert.Equal([$"oe-run: interrupted by {name}; the job has ended with exit code 130"], error);
    }

    [Fact]
    public void ADryRunPrintsTheCommandLineAndStartsNothing()
    {
        using var job = new OeRun("-np", "2", "--dry-run", "--env", "A=b c", "--", "sh", "-c", "exit 9");

        (string[] output, string[] error, int result) = job.Finish();

        Assert.Equal(0, result);
        Assert.EndsWith(" -np 2 -genv A 'b c' sh -c 'exit 9'", Assert.Single(output));
        Assert.Empty(error);
    }

    [Fact]
    public void AWrongCommandLineIsOneLineAndTheExitCodeForIt()
    {
        using var job = new OeRun("-np", "none", "prog");

        (string[] output, string[] error, int result) = job.Finish();

        Assert.Equal(2, result);
        Assert.Empty(output);
        Assert.Equal(["oe-run: -np takes a whole number of at least 1; this is 'none'"], error);
    }
}
