using System.Text.Json;
using OpenEmbedding.Distributed.Tests.Training;

namespace OpenEmbedding.Distributed.Tests.Slurm;

/// <summary>The job script: exit codes, cancellation, the time limit's signal and going on from the queue, with either launcher.</summary>
[Trait("Kind", "Job")]
[Collection(SlurmTests.Name)]
public sealed class BatchTests(SlurmCluster cluster) : IDisposable
{
    private readonly OeTrain _train = new();

    [SlurmTheory]
    [InlineData("srun", "2:0", "--train.batch_size", "0")]
    [InlineData("oe-run", "3:0", "--data.train", "missing.txt")]
    public void ExitCodeIsTheJobs(string launcher, string exitCode, params string[] more)
    {
        SlurmJob job = Submit(launcher, WriteConfiguration(epochs: 1), more);
        job.WaitForEnd();

        Assert.True(job.State == "FAILED" && job.ExitCode == exitCode, job.ToString());
    }

    [SlurmTheory]
    [InlineData("srun")]
    [InlineData("oe-run")]
    public void CancelledJobSavesAndEnds(string launcher)
    {
        SlurmJob job = Submit(launcher, WriteConfiguration(epochs: 1_000_000));
        job.WaitForText("epoch 2  step 3 ");
        cluster.Command("scancel", job.Id);
        job.WaitForEnd();

        Assert.True(job.State == "CANCELLED" && job.Restarts == 0, job.ToString());
        Assert.Contains("oe-train: interrupted by SIGTERM after step ", job.Output, StringComparison.Ordinal);
        Assert.Single(Manifests());
    }

    /// <summary>What the time limit sends saves and puts the job into the queue; then it goes on and ends with the weights of a job without a stop.</summary>
    [SlurmFact]
    [Trait("Kind", "Long")]
    public void RequeuedJobGoesOnAndEndsAsOneWithoutStop() => AssertRequeued("oe-run");

    /// <summary>The same without oe-run.</summary>
    [SlurmFact]
    [Trait("Kind", "Long")]
    public void RequeuedJobOfSrunGoesOnAndEndsAsOneWithoutStop() => AssertRequeued("srun");

    /// <summary>A signal of the user's to the script saves too, but the job stays ended.</summary>
    [SlurmFact]
    public void StoppedJobIsNotRequeued()
    {
        SlurmJob job = Submit("srun", WriteConfiguration(epochs: 1_000_000));
        job.WaitForText("epoch 2  step 3 ");
        cluster.Command("scancel", "--signal=TERM", "--batch", job.Id);
        job.WaitForEnd();

        Assert.True(job.State == "FAILED" && job.ExitCode == "130:0" && job.Restarts == 0, job.ToString());
        Assert.Single(Manifests());
    }

    public void Dispose() => _train.Dispose();

    private void AssertRequeued(string launcher)
    {
        string configuration = WriteConfiguration(epochs: 1_000_000);
        SlurmJob job = Submit(launcher, configuration);
        job.WaitForText("epoch 2  step 3 ");
        cluster.Command("scancel", "--signal=USR1", "--batch", job.Id);
        job.WaitForRequeue();

        // It waits in the queue for a few seconds; meanwhile the training gets an end, an epoch after the one under way.
        int epoch = JsonDocument.Parse(File.ReadAllText(Assert.Single(Manifests()))).RootElement
            .GetProperty("manifest").GetProperty("training").GetProperty("epoch").GetInt32();
        WriteConfiguration(epoch + 1);
        job.WaitForEnd();

        Assert.True(job.State == "COMPLETED" && job.ExitCode == "0:0" && job.Restarts == 1, job.ToString());
        Weights whole = _train.Weights(4, configuration);
        Assert.Equal(0, Weights.Read(_train.In("weights.safetensors")).DistanceTo(whole));
    }

    private string[] Manifests() => Directory.GetFiles(_train.In("checkpoints"), "step-*.json");

    private string WriteConfiguration(int epochs)
    {
        string rows = _train.In("rows.txt");
        if (!File.Exists(rows))
        {
            _train.WriteRows("rows.txt", 400);
        }

        return _train.Write("job.json", JsonSerializer.Serialize(new
        {
            data = new { train = rows, vocabulary = 1000 },
            model = new { name = "DeepFM", dnn_hidden_units = (int[])[16, 8] },
            optimizer = new { name = "Adam" },
            train = new { batch_size = 16, epochs, log_every = 1 },
            output = new { progress = "lines", weights = _train.In("weights.safetensors") },
        }));
    }

    private SlurmJob Submit(string launcher, string configuration, params string[] more) =>
        cluster.Submit(
            new Dictionary<string, string?> { ["LAUNCHER"] = launcher, ["CONFIG"] = configuration, ["CHECKPOINTS"] = _train.In("checkpoints") },
            ["--nodes=2", "--ntasks-per-node=2", "scripts/slurm/criteo.sbatch", "--checkpoint.every_epochs", "0", .. more]);
}
