using System.Text.RegularExpressions;

namespace OpenEmbedding.Distributed.Tests.Training;

/// <summary>What whole jobs do when a checkpoint cannot be written, or is not of the same job.</summary>
[Trait("Kind", "Job")]
public sealed partial class CheckpointFaultJobTests : IDisposable
{
    private readonly OeTrain _train = new();
    private readonly string _rows;

    public CheckpointFaultJobTests()
    {
        _rows = _train.WriteRows("rows.txt", 400);
    }

    public void Dispose() => _train.Dispose();

    [TmpfsFact]
    public void OnAFullDiskTrainingGoesOnAndTheCheckpointBeforeIsWhole()
    {
        string[] job = [.. Job("adam"), "--cluster.servers", "2", "--train.epochs", "3", "--output.progress", "lines"];
        Weights whole = _train.Weights(4, [.. job, "--checkpoint", _train.In("roomy"), "--checkpoint.keep", "1"]);
        long bytes = Directory.GetFiles(_train.In("roomy"), "*", SearchOption.AllDirectories).Sum(file => new FileInfo(file).Length);
        string[] saving = [.. job, "--checkpoint.every_steps", "2", "--checkpoint.keep", "1000"];

        using var disk = Tmpfs.Mount(bytes * 3 / 2);
        string folder = Path.Combine(disk.Folder, "checkpoints");
        string weights = _train.In("weights.safetensors");
        MpiJobResult full = OeTrain.Run(4, [.. saving, "--checkpoint", folder, "--output.weights", weights]);

        Assert.True(full.ExitCode == 1, full.ToString());
        Assert.Contains("epoch 3 train", full.Output, StringComparison.Ordinal);
        Assert.Matches(Failed(), full.Output);
        string line = Assert.Single(full.Error.Split('\n'), line => line.StartsWith("oe-train: ", StringComparison.Ordinal));
        Assert.Contains("checkpoint of step 12 failed: ", line, StringComparison.Ordinal);
        string[] manifests = Directory.GetFiles(folder, "step-*.json");
        Assert.NotEmpty(manifests);
        Assert.Equal(manifests.Length, Directory.GetFiles(folder, "files/*.dense.safetensors").Length);

        // With room the next job goes on from it, to where the first one would have come.
        disk.Resize(bytes * 20);
        Weights continued = _train.Weights(4, [.. saving, "--checkpoint", folder, "--load", folder]);
        Assert.Equal(0, continued.DistanceTo(whole));
    }

    [Fact]
    public void AnotherOptimizerKeepsTheWeightsAndStartsItsSlotsAnew()
    {
        string folder = _train.In("checkpoints");
        _train.Weights(3, [.. Job("adagrad"), "--checkpoint", folder]);
        string weights = _train.In("weights.safetensors");
        MpiJobResult result = OeTrain.Run(3, [.. Job("adam"), "--load", folder, "--train.epochs", "2", "--output.progress", "lines", "--output.weights", weights]);

        Assert.True(result.ExitCode == 0, result.ToString());
        Assert.Contains("Table embedding/C1: saved with Adagrad, trained with Adam; weights are kept, slots start anew.", result.Output, StringComparison.Ordinal);
        Assert.Contains("Dense weights: saved with Adagrad, trained with Adam; weights are kept, slots start anew.", result.Output, StringComparison.Ordinal);

        // The second epoch is what a first one from the same weights is, which takes no slots.
        Weights fresh = _train.Weights(3, [.. Job("adam"), "--load", folder, "--load.part", "weights"]);
        Assert.Equal(0, Weights.Read(weights).DistanceTo(fresh));
    }

    [Fact]
    public void WholeFilesGoOnInTheMiddleOfAnEpochOnAsManyTrainersOnly()
    {
        string folder = _train.In("checkpoints");
        string[] job = ["--data.train", $"{_rows},{_train.WriteRows("more.txt", 300, seed: 2)}", .. Job("adagrad")[2..]];
        _train.Weights(3, [.. job, "--data.shard", "files", "--checkpoint", folder, "--checkpoint.every_steps", "3"]);
        string[] manifests = [.. Directory.GetFiles(folder, "step-*.json").Order(StringComparer.Ordinal)];

        AssertRefused(2, "of 2 trainers with data.shard = \"files\", this job has 1 with \"files\"; allowed: ", [.. job, "--data.shard", "files", "--load", manifests[0]]);
        AssertRefused(3, "of 2 trainers with data.shard = \"files\", this job has 2 with \"rows\"; allowed: ", [.. job, "--load", manifests[0]]);
        AssertRefused(
            3,
            "whose rows are in the order of data.shuffle_buffer = 0 and data.shuffle_seed = 1024, this job has 64 and 1024; allowed: ",
            [.. job, "--data.shard", "files", "--data.shuffle_buffer", "64", "--load", manifests[0]]);
        Assert.Equal(0, OeTrain.Run(3, [.. job, "--data.shard", "files", "--load", manifests[0]]).ExitCode);
        Assert.Equal(0, OeTrain.Run(2, [.. job, "--data.shard", "files", "--load", manifests[^1]]).ExitCode);

        void AssertRefused(int ranks, string message, string[] arguments)
        {
            MpiJobResult result = OeTrain.Run(ranks, arguments);
            Assert.True(result.ExitCode == 2, result.ToString());
            string line = Assert.Single(result.Error.Split('\n'), line => line.StartsWith("oe-train: ", StringComparison.Ordinal));
            Assert.Contains($"{manifests[0]} is of the middle of an epoch {message}", line, StringComparison.Ordinal);
        }
    }

    [GeneratedRegex(@"checkpoint of step \d+ failed: .*cannot be written: ")]
    private static partial Regex Failed();

    private string[] Job(string optimizer) =>
    [
        "--data.train", _rows, "--model.name", "DeepFM", "--model.dnn_hidden_units", "16,8", "--data.vocabulary", "1000",
        "--optimizer.name", optimizer, "--train.batch_size", "50",
    ];
}
