using System.Text.Json;
using OpenEmbedding.Collectives;

namespace OpenEmbedding.Distributed.Tests.Training;

/// <summary>Jobs whose tables' growth is bounded give the same whatever their ranks, and stay within their bounds.</summary>
[Trait("Kind", "Job")]
public sealed class GrowthTests : IDisposable
{
    private const int GlobalBatch = 96;
    private const int Steps = 40;

    // More than one of each kind, at steps that are no multiples of each other.
    private static readonly string[] _bounds =
    [
        "--embedding.growth.min_count", "2", "--embedding.growth.max_idle_steps", "9", "--embedding.growth.min_norm", "0.01",
        "--embedding.growth.min_norm_idle_steps", "3", "--embedding.growth.sweep_every_steps", "7",
    ];

    private readonly OeTrain _train = new();
    private readonly string _rows;

    public GrowthTests()
    {
        _rows = _train.WriteRows("rows.txt", GlobalBatch * Steps);
    }

    [Fact]
    public void EveryDealOfRanksGivesTheSameRows()
    {
        Weights alone = _train.Weights(1, Job(1, _bounds));

        AssertNear(alone, _train.Weights(3, Job(1, [.. _bounds, "--cluster.servers", "2"])));
        AssertNear(alone, _train.Weights(3, Job(2, [.. _bounds, "--cluster.servers", "1", "--train.prefetch", "3"])));
        AssertNear(alone, _train.Weights(2, Job(2, [.. _bounds, "--cluster.strategy", "allgather"])));
    }

    [Theory]
    [InlineData("colocated")]
    [InlineData("auto", "--cluster.strategy", "allgather")]
    public void TheSameJobTwiceGivesTheSameBits(string servers, params string[] more)
    {
        string[] job = Job(2, [.. _bounds, "--embedding.growth.max_rows", "300", "--embedding.growth.when_full", "evict", "--cluster.servers", servers, .. more]);

        Assert.Equal(0, _train.Weights(2, job).DistanceTo(_train.Weights(2, job)));
    }

    [Fact]
    public void AgesAndCountsGoOnWithTheCheckpoint()
    {
        string folder = _train.In("checkpoints");
        string[] job = Job(
            2, [.. _bounds, "--embedding.growth.max_rows", "300", "--embedding.growth.when_full", "evict", "--cluster.servers", "colocated"]);
        Weights whole = _train.Weights(2, [.. job, "--checkpoint", folder, "--checkpoint.every_steps", "1", "--checkpoint.keep", "1000"]);
        string[] manifests = [.. Directory.GetFiles(folder, "step-*.json").Order(StringComparer.Ordinal)];
        foreach (int step in (int[])[3, 13, 14, 20])
        {
            Assert.Equal(0, _train.Weights(2, [.. job, "--load", manifests[step - 1]]).DistanceTo(whole));
        }
    }

    [Fact]
    public void BoundsThatComeLaterCountFromTheLoadedStep()
    {
        string folder = _train.In("checkpoints");
        Weights saved = _train.Weights(2, [.. Job(1), "--train.steps", "20", "--checkpoint", folder]);
        string[] going = [.. Job(1), "--load", folder, "--train.epochs", "2", "--train.steps", "20"];

        Weights kept = _train.Weights(2, [.. going, "--embedding.growth.max_idle_steps", "21", "--embedding.growth.sweep_every_steps", "1"]);
        Weights aged = _train.Weights(2, [.. going, "--embedding.growth.max_idle_steps", "20", "--embedding.growth.sweep_every_steps", "1"]);

        double[] before = saved["table/linear/keys"];
        Assert.Empty(before.Except(kept["table/linear/keys"]));
        Assert.Equal(kept["table/linear/keys"].Length, aged["table/linear/keys"].Length);
    }

    [Fact]
    public void KeysWithoutEndTakeMemoryWithinTheLimit()
    {
        string rows = WriteNewKeys(rows: 20_000);

        JsonElement summary = _train.Summary(
            3,
            [.. Job(1), "--data.train", rows, "--cluster.servers", "2", "--train.steps", "200", "--embedding.growth.max_rows", "4000",
            "--embedding.growth.when_full", "evict", "--embedding.growth.sweep_every_steps", "5"]);

        foreach (JsonElement table in summary.GetProperty("tables").EnumerateArray())
        {
            long admitted = table.GetProperty("rows_admitted").GetInt64();
            long left = table.GetProperty("rows").GetInt64();
            Assert.InRange(left, 1800, 2000);
            Assert.True(admitted > 20 * left, $"{admitted} rows were admitted");
            Assert.Equal(admitted - left, table.GetProperty("rows_evicted").GetInt64());
        }
    }

    [Fact]
    public void AFullTableEndsTheJobWithOneLine()
    {
        MpiJobResult result = OeTrain.Run(2, [.. Job(1), "--cluster.servers", "1", "--embedding.growth.max_rows", "200"]);

        Assert.True(result.ExitCode == JobExitCode.Configuration, result.ToString());
        string line = Assert.Single(result.Error.Split('\n'), line => line.StartsWith("oe-train: ", StringComparison.Ordinal));
        Assert.Matches(
            "Server on rank 1, Push of rank 0 for step [0-9]+: Table linear: shard 0 of 1 is full with 200 rows, its share of max_rows = 200; raise the limit, or let rows go",
            line);
    }

    [Fact]
    public void TheEndSaysWhatTheTablesHold()
    {
        MpiJobResult result = OeTrain.Run(2, Job(1, _bounds));

        Assert.Matches("table embedding: [0-9,]+ rows, [0-9,]+ admitted, [1-9][0-9,]* evicted, [1-9][0-9,]* candidates", result.Output);
        Assert.DoesNotContain("candidates", OeTrain.Run(2, Job(1)).Output, StringComparison.Ordinal);
    }

    public void Dispose() => _train.Dispose();

    private static void AssertNear(Weights expected, Weights actual) => Assert.InRange(actual.DistanceTo(expected), 0, 1e-9);

    private string WriteNewKeys(int rows)
    {
        long next = 0;
        string dense = string.Join('\t', Enumerable.Repeat("1", 13));
        return _train.Write(
            "new.txt",
            string.Concat(Enumerable.Range(0, rows).Select(row => $"{row % 2}\t{dense}\t{string.Join('\t', Enumerable.Range(0, 26).Select(_ => (next++ / 4).ToString("x8")))}\n")));
    }

    private string[] Job(int trainers, params string[] more) =>
    [
        "--data.train", _rows, "--model.name", "DeepFM", "--model.dtype", "float64", "--model.dnn_hidden_units", "16,8", "--embedding.kind", "hash",
        "--train.batch_size", (GlobalBatch / trainers).ToString(), .. more,
    ];
}
