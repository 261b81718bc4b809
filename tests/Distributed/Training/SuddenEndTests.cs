using System.Runtime.InteropServices;

namespace OpenEmbedding.Distributed.Tests.Training;

/// <summary>A job of which a rank dies, or that is interrupted, ends as a whole, soon and with an exit code that tells.</summary>
[Trait("Kind", "Job")]
public sealed class SuddenEndTests : IDisposable
{
    private const int KilledBySigKill = 9;
    private const int Aborted = 6;
    private const int Stalled = 5;
    private const int Interrupted = 130;
    private readonly OeTrain _train = new();

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public void KilledServerOrTrainerEndsTheJob(int rank)
    {
        using MpiJob job = StartEndless();
        MpiJob.Kill(job.RankProcesses()[rank]);

        MpiJobResult result = job.WaitForExit();

        // A rank that reads the memory of the dead one at that moment aborts by itself. The launcher may see either first, or both at once:
        // then its code is the bitwise or of theirs.
        Assert.True(result.ExitCode is KilledBySigKill or Aborted or (KilledBySigKill | Aborted), result.ToString());
        Assert.Contains("BAD TERMINATION", result.Output, StringComparison.Ordinal);
        Assert.Empty(job.RankProcesses());
    }

    [Theory]
    [InlineData(PosixSignal.SIGINT)]
    [InlineData(PosixSignal.SIGTERM)]
    public void InterruptedJobSaysSoOnce(PosixSignal signal)
    {
        using MpiJob job = StartEndless();
        MpiJob.Signal(job.RankProcesses()[0], signal);

        MpiJobResult result = job.WaitForExit();

        Assert.True(result.ExitCode == Interrupted, result.ToString());
        Assert.Single(result.Error.Split('\n'), line => line.StartsWith("oe-train: ", StringComparison.Ordinal));
        Assert.Contains($"oe-train: rank 0: interrupted by {signal}; the job ends", result.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0, "rank [12]: .*")]
    [InlineData(2, "rank [01]: the pull of step [0-9]+")]
    public void RankThatDoesNothingIsNamedAndEndsTheJob(int rank, string wait)
    {
        using MpiJob job = StartEndless("--cluster.stall_warning_seconds", "0.5", "--cluster.stall_shutdown_seconds", "1");
        MpiJob.Stop(job.RankProcesses()[rank]);

        MpiJobResult result = job.WaitForExit();

        Assert.True(result.ExitCode == Stalled, result.ToString());
        Assert.Matches($@"(?m)^{wait} has waited \d\.\d s; missing: rank {rank} \(does not answer\)$", result.Error);
        Assert.Matches("(?m)^rank [0-2]: .* has waited .*; the job ends, as it is not to wait longer than 1 s$", result.Error);
        Assert.Empty(job.RankProcesses());
    }

    [Fact]
    public void ControlCAtTheLauncherEndsTheJob()
    {
        using MpiJob job = StartEndless();
        MpiJob.Signal(job.ProcessId, PosixSignal.SIGINT);

        MpiJobResult result = job.WaitForExit();

        Assert.True(result.ExitCode != 0, result.ToString());
        Assert.Empty(job.RankProcesses());
    }

    public void Dispose() => _train.Dispose();

    private MpiJob StartEndless(params string[] more)
    {
        string rows = _train.WriteRows("rows.txt", 1000);
        MpiJob job = MpiJob.Start(
            3,
            OeTrain.Program,
            ["--data.train", rows, "--train.epochs", "1000000", "--train.batch_size", "50", "--train.log_every", "1", "--data.vocabulary", "1000", .. more],
            timeout: TimeSpan.FromMinutes(2));
        job.WaitForText("step 3 ");
        return job;
    }
}
