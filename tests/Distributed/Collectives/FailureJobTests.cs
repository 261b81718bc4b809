using System.Runtime.InteropServices;

namespace OpenEmbedding.Distributed.Tests.Collectives;

/// <summary>Jobs that go wrong: each ends within seconds, with the right code, and nothing hangs.</summary>
[Trait("Kind", "Job")]
public sealed class FailureJobTests
{
    private static readonly TimeSpan _seconds = TimeSpan.FromSeconds(10);

    [Fact]
    public void Failing_rank_prints_one_line_and_ends_the_job_with_its_code()
    {
        var result = CollectivesProgram.Run(3, "fail");
        Assert.Equal(3, result.ExitCode);
        Assert.Contains("rank 1: file rows.tsv, line 7: no label\n", result.Error);
        Assert.DoesNotContain("   at ", result.Error);
    }

    [Fact]
    public void Abort_ends_the_job_with_the_code_of_the_rank() =>
        Assert.Equal(4, CollectivesProgram.Run(3, "leave").ExitCode);

    [Fact]
    public void Unknown_job_ends_alone_with_its_code() => Assert.Equal(2, CollectivesProgram.Run(0, "no such job").ExitCode);

    [Theory]
    [InlineData(PosixSignal.SIGINT)]
    [InlineData(PosixSignal.SIGTERM)]
    public void Signal_to_the_launcher_ends_the_job(PosixSignal signal)
    {
        using var job = StartStuck();
        MpiJob.Signal(job.ProcessId, signal);
        EndsSoon(job, 130);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    public void Signal_to_a_rank_ends_the_job(int rank)
    {
        using var job = StartStuck();
        MpiJob.Signal(job.RankProcesses()[rank], PosixSignal.SIGTERM);
        EndsSoon(job, 130);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    public void Killed_rank_ends_the_job(int rank)
    {
        using var job = StartStuck();
        var killed = job.Elapsed;
        MpiJob.Kill(job.RankProcesses()[rank]);
        var result = job.WaitForExit();
        Assert.NotEqual(0, result.ExitCode);
        Assert.True(result.Elapsed - killed < _seconds, result.ToString());
    }

    [Fact]
    public void Other_launcher_is_refused()
    {
        var environment = new Dictionary<string, string?> { ["OMPI_COMM_WORLD_SIZE"] = "2" };
        var result = MpiJob.Run(0, CollectivesProgram.Path, ["collectives"], environment);
        Assert.Equal(4, result.ExitCode);
        Assert.Contains("started by Open MPI's mpirun", result.Error);
        Assert.Contains("mpirun.mpich", result.Error);
    }

    [Fact]
    public void Launcher_without_pmi_is_refused()
    {
        var environment = new Dictionary<string, string?> { ["SLURM_STEP_NUM_TASKS"] = "2" };
        var result = MpiJob.Run(0, CollectivesProgram.Path, ["collectives"], environment);
        Assert.Equal(4, result.ExitCode);
        Assert.Contains("started by Slurm's srun as one of 2 tasks without PMI", result.Error);
        Assert.Contains("srun --mpi=pmi2", result.Error);
    }

    [Fact]
    public void Signal_ends_a_process_alone()
    {
        using var job = MpiJob.Start(0, CollectivesProgram.Path, ["stuck"], timeout: TimeSpan.FromSeconds(60));
        job.WaitForText("rank 0 waits");
        MpiJob.Signal(job.ProcessId, PosixSignal.SIGINT);
        EndsSoon(job, 130);
    }

    private static MpiJob StartStuck()
    {
        var job = CollectivesProgram.Start(3, "stuck");
        for (var rank = 0; rank < 3; rank++)
        {
            job.WaitForText($"rank {rank} waits");
        }

        return job;
    }

    private static void EndsSoon(MpiJob job, int exitCode)
    {
        var signalled = job.Elapsed;
        var result = job.WaitForExit();
        Assert.True(result.ExitCode == exitCode, result.ToString());
        Assert.True(result.Elapsed - signalled < _seconds, $"the job took {result.Elapsed - signalled} to end");
    }
}
