namespace OpenEmbedding.Distributed.Tests.Training;

/// <summary>A checkpoint whose content is damaged is passed over for the one before it.</summary>
[Trait("Kind", "Job")]
public sealed class DamagedCheckpointTests : IDisposable
{
    private const int StepsOfEpoch = 4;
    private readonly OeTrain _train = new();
    private readonly string _rows;

    public DamagedCheckpointTests()
    {
        _rows = _train.WriteRows("rows.txt", 400);
    }

    public void Dispose() => _train.Dispose();

    [Theory]
    [InlineData("server-1-of-2", "--cluster.servers", "2")]
    public void TheOneBeforeIsTaken(string part, params string[] more) => AssertTheOneBeforeIsTaken(part, more);

    [Theory]
    [Trait("Kind", "Long")]
    [InlineData("dense", "--cluster.servers", "2")]
    [InlineData("server-0-of-2", "--cluster.servers", "2", "--embedding.storage", "tiered", "--embedding.cache_mb", "1")]
    [InlineData("server-0-of-2", "--cluster.servers", "2", "--embedding.sparse_as_dense_size", "100")]
    [InlineData("server-0-of-1", "--cluster.strategy", "allreduce")]
    [InlineData("dense", "--cluster.strategy", "allgather")]
    public void TheOneBeforeIsTakenHoweverRowsAreKept(string part, params string[] more) => AssertTheOneBeforeIsTaken(part, more);

    [Fact]
    public void WithNoneLeftTheFirstCauseEndsTheJob()
    {
        string folder = _train.In("checkpoints");
        _train.Weights(3, [.. Job, "--train.epochs", "2", "--checkpoint", folder]);
        OeTrain.Flip(FileOf(folder, 2, "dense"));
        MpiJobResult named = OeTrain.Run(3, [.. Job, "--load", ManifestOf(folder, 2)]);
        Assert.True(named.ExitCode == 3, named.ToString());
        Assert.Contains(FileOf(folder, 2, "dense") + " does not have the checksum", named.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("passed over", named.Error, StringComparison.Ordinal);

        OeTrain.Flip(FileOf(folder, 1, "server-0-of-1"));
        MpiJobResult result = OeTrain.Run(3, [.. Job, "--load", folder]);

        Assert.True(result.ExitCode == 3, result.ToString());
        string last = result.Error.Split('\n').Last(line => line.StartsWith("oe-train: ", StringComparison.Ordinal));
        Assert.Contains(FileOf(folder, 2, "dense") + " does not have the checksum", last, StringComparison.Ordinal);
    }

    private void AssertTheOneBeforeIsTaken(string part, string[] more)
    {
        int ranks = more.Contains("--cluster.strategy") ? 2 : 4;
        string[] job = [.. Job, .. more, "--embedding.storage_path", _train.In("store")];
        string folder = _train.In("checkpoints");
        Weights whole = _train.Weights(ranks, [.. job, "--train.epochs", "3"]);
        _train.Weights(ranks, [.. job, "--train.epochs", "3", "--checkpoint", folder]);
        string damaged = FileOf(folder, 3, part);
        OeTrain.Flip(damaged);

        string weights = _train.In("weights.safetensors");
        MpiJobResult result = OeTrain.Run(ranks, [.. job, "--train.epochs", "3", "--load", folder, "--checkpoint", folder, "--output.weights", weights]);

        Assert.True(result.ExitCode == 0, result.ToString());
        string line = Assert.Single(result.Error.Split('\n'), line => line.StartsWith("oe-train: ", StringComparison.Ordinal));
        Assert.Contains($"{damaged} does not have the checksum that {ManifestOf(folder, 3)} tells; it is damaged. ", line, StringComparison.Ordinal);
        Assert.EndsWith($"The checkpoint {ManifestOf(folder, 3)} is passed over.", line.TrimEnd(), StringComparison.Ordinal);
        Assert.Contains($"loading {ManifestOf(folder, 2)}: step {2 * StepsOfEpoch}", result.Output, StringComparison.Ordinal);
        Assert.Equal(0, Weights.Read(weights).DistanceTo(whole));

        // The job has saved the step of the damaged one anew.
        Assert.Equal(0, _train.Weights(ranks, [.. job, "--train.epochs", "3", "--load", folder]).DistanceTo(whole));
    }

    private static string ManifestOf(string folder, int epoch) => Path.Combine(folder, $"step-{epoch * StepsOfEpoch:D9}.json");

    private static string FileOf(string folder, int epoch, string part) =>
        Path.Combine(folder, "files", $"step-{epoch * StepsOfEpoch:D9}.{part}.safetensors");

    private string[] Job =>
    [
        "--data.train", _rows, "--model.name", "DeepFM", "--model.dnn_hidden_units", "16,8", "--data.vocabulary", "1000", "--optimizer", "adam",
        "--train.batch_size", "50",
    ];
}
