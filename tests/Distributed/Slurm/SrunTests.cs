using OpenEmbedding.Distributed.Tests.Training;

namespace OpenEmbedding.Distributed.Tests.Slurm;

/// <summary>Jobs whose ranks <c>srun</c> starts: the same training, exit codes and ends as under <c>mpirun</c>.</summary>
[Trait("Kind", "Job")]
[Collection(SlurmTests.Name)]
public sealed class SrunTests(SlurmCluster cluster) : IDisposable
{
    private const int KilledBySigKill = 128 + 9;
    private const int Interrupted = 130;
    private readonly OeTrain _train = new();

    [SlurmFact]
    public void TrainsOnTwoNodesAsUnderMpirun()
    {
        string[] job = Job(_train.WriteRows("rows.txt", 500));
        string weights = _train.In("weights.safetensors");

        MpiJobResult result = cluster.Run([.. Srun("pmi2"), .. job, "--output.weights", weights]);

        Assert.True(result.ExitCode == 0, result.ToString());
        Assert.Equal(0, Weights.Read(weights).DistanceTo(_train.Weights(4, job)));
    }

    [SlurmTheory]
    [InlineData(2, "train.batch_size = 0", "--train.batch_size", "0")]
    [InlineData(3, "no such file", "--data.train", "missing.txt")]
    [InlineData(4, "cluster.servers is 4", "--cluster.servers", "4")]
    public void ExitCodePassesThrough(int exitCode, string line, params string[] more)
    {
        MpiJobResult result = cluster.Run([.. Srun("pmi2"), .. Job(_train.WriteRows("rows.txt", 100)), .. more]);

        Assert.True(result.ExitCode == exitCode, result.ToString());
        Assert.Contains(line, Assert.Single(result.Error.Split('\n'), text => text.StartsWith("oe-train: ", StringComparison.Ordinal)), StringComparison.Ordinal);
    }

    [SlurmFact]
    public void BadRowOfOneRankEndsAll()
    {
        string rows = _train.WriteRows("rows.txt", 400);
        File.AppendAllText(rows, "no row\n");

        MpiJobResult result = cluster.Run([.. Srun("pmi2"), .. Job(rows)]);

        Assert.True(result.ExitCode == 3, result.ToString());
        Assert.Contains($"{rows}:401: ", result.Error, StringComparison.Ordinal);
    }

    [SlurmFact]
    public void WithoutPmiNoRankTrainsAlone()
    {
        MpiJobResult result = cluster.Run([.. Srun("none"), .. Job(_train.WriteRows("rows.txt", 100))]);

        Assert.True(result.ExitCode != 0, result.ToString());
        Assert.Contains("started by Slurm's srun as one of 4 tasks without PMI", result.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("epoch 1", result.Output, StringComparison.Ordinal);
    }

    [SlurmFact]
    public void SigtermToTheStepSaves()
    {
        string checkpoints = _train.In("checkpoints");
        using MpiJob job = cluster.Start([.. Srun("pmi2"), .. Endless(), "--checkpoint", checkpoints, "--checkpoint.every_epochs", "0"]);
        job.WaitForText("epoch 2  step 3 ");
        cluster.Command("scancel", "--signal=TERM", RunningJob());

        MpiJobResult result = job.WaitForExit();

        Assert.True(result.ExitCode == Interrupted, result.ToString());
        Assert.Contains("oe-train: interrupted by SIGTERM after step ", result.Error, StringComparison.Ordinal);
        Assert.Single(Directory.GetFiles(checkpoints, "step-*.json"));
    }

    [SlurmFact]
    public void KilledRankEndsTheJob()
    {
        using MpiJob job = cluster.Start([.. Srun("pmi2"), .. Endless()]);
        job.WaitForText("step 3 ");
        var step = new SlurmJob(cluster, RunningJob(), _train.In("none"));
        MpiJob.Kill(step.RankProcesses()[2]);

        MpiJobResult result = job.WaitForExit();

        // The others end by the SIGTERM that srun sends them, or by themselves when they read the dead one's memory; its code is the highest.
        Assert.True(result.ExitCode == KilledBySigKill, result.ToString());
        step.WaitForEnd();
        Assert.Empty(step.RankProcesses());
    }

    public void Dispose() => _train.Dispose();

    private static string[] Srun(string pmi) =>
        ["srun", $"--mpi={pmi}", "--nodes=2", "--ntasks=4", "--kill-on-bad-exit=1", "dotnet", OeTrain.Program];

    private static string[] Job(string rows) =>
        ["--data.train", rows, "--data.vocabulary", "1000", "--model.dnn_hidden_units", "16,8", "--train.batch_size", "16"];

    // The tests run one after the other, so that the queue has one running job.
    private string RunningJob() => cluster.Command("squeue", "--noheader", "--states=RUNNING", "--format=%A").Trim();

    private string[] Endless() =>
    [
        .. Job(_train.WriteRows("rows.txt", 400)), "--train.epochs", "1000000", "--train.log_every", "1", "--output.progress", "lines",
    ];
}
