using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;

namespace OpenEmbedding.Distributed.Tests.Training;

/// <summary>An exported model gives the probabilities that the trainer's own evaluation gives, in ONNX Runtime and by both APIs of <c>oe-serve</c>.</summary>
[Trait("Kind", "Job")]
public sealed class ExportTests : IDisposable
{
    private const double Tolerance = 1e-6;
    private const int Rows = 3000;
    private const int TestRows = 701;
    private readonly OeTrain _train = new();

    public void Dispose() => _train.Dispose();

    [Theory]
    [InlineData("xDeepFM", "array")]
    [InlineData("LR", "hash")]
    [InlineData("DeepFM", "hash")]
    [InlineData("DLRM", "array")]
    public Task PredictsAsTheTrainer(string model, string kind) => AssertPredictsAsTheTrainer(model, kind);

    [Theory]
    [Trait("Kind", "Long")]
    [InlineData("LR", "array")]
    [InlineData("WDL", "array")]
    [InlineData("DeepFM", "array")]
    [InlineData("WDL", "hash")]
    [InlineData("xDeepFM", "hash")]
    [InlineData("DCN-v2", "hash")]
    [InlineData("AutoInt", "array")]
    [InlineData("FiBiNET", "hash")]
    [InlineData("DLRM", "hash")]
    public Task OtherModelsPredictAsTheTrainer(string model, string kind) => AssertPredictsAsTheTrainer(model, kind);

    [Theory]
    [InlineData("hash", "--cluster.strategy", "allgather", "--data.dense_scale", "none", "--model.dtype", "float64")]
    [InlineData("array", "--cluster.servers", "colocated", "--embedding.sparse_as_dense_size", "100", "--data.vocabulary", "500", "--data.dense_scale", "criteo1tb")]
    [InlineData("hash", "--cluster.servers", "1", "--cluster.hot_rows", "50", "--data.dense_scale", "log")]
    [InlineData("hash", "--embedding.growth.min_count", "2", "--embedding.initializer", "constant")]
    [InlineData("array", "--cluster.wire.pull", "bfloat16", "--train.batch_size", "97")]
    public void PredictsAsTheTrainerHoweverRowsAreKept(string kind, params string[] more) => AssertPredicts(2, kind, more);

    [Fact]
    [Trait("Kind", "Long")]
    public void PredictsAsTheTrainerWithWholeTablesReduced() => AssertPredicts(2, "array", "--cluster.strategy", "allreduce");

    [Theory]
    [InlineData("array")]
    [InlineData("hash")]
    public void PredictsAsTheTrainerWithRowsInFiles(string kind) => AssertPredicts(
        2, kind, "--embedding.storage", "tiered", "--embedding.cache_mb", "1", "--embedding.storage_path", _train.In("store"));

    /// <summary>1.75 GB: past what goes into a protobuf file, and more than a trainer may hold.</summary>
    [Fact]
    [Trait("Kind", "Long")]
    public void LargeArraysGoToAFileBesideTheModelAndNotThroughMemory()
    {
        (JsonElement summary, _, _) = AssertPredicts(2, "array", "--embedding.dimension", "256", "--model.dnn_hidden_units", "8", "--cluster.servers", "1");

        Assert.True(new FileInfo(_train.In("criteo/1/model.onnx.data")).Length > 1_500_000_000);
        Assert.InRange(summary.GetProperty("peak_memory_bytes_by_rank")[0].GetInt64(), 1, 800_000_000);
    }

    // The trainer, ONNX Runtime in this process, and oe-serve by both its APIs.
    private async Task AssertPredictsAsTheTrainer(string model, string kind)
    {
        (_, string[] rows, double[] expected) = AssertPredicts(
            3, kind, "--model", model, "--cluster.servers", "2", "--model.dnn_hidden_units", "32,16", "--model.cin_layer_size", "8,6", "--model.bottom_hidden_units", "16",
            "--embedding.initializer.stddev", "0.3");
        await using ServedExport served = await ServedExport.Start(_train.In("criteo"));
        foreach (float[] answer in new[] { await served.AskByRest(rows, byRow: true), await served.AskByRest(rows, byRow: false), await served.AskByGrpc(rows) })
        {
            Assert.Equal(TestRows, answer.Length);
            Assert.All(answer.Zip(expected), pair => Assert.Equal(pair.Second, pair.First, Tolerance));
        }
    }

    private (JsonElement Summary, string[] Rows, double[] Expected) AssertPredicts(int ranks, string kind, params string[] more)
    {
        string train = OeTrain.RealData ?? _train.WriteRows("train.txt", Rows);

        // Of a hash table only keys that were trained have rows of their own.
        bool seen = kind == "hash";
        string test = OeTrain.RealData is not null || seen ? train : _train.WriteRows("test.txt", TestRows, seed: 2);
        int first = seen || OeTrain.RealData is null ? 0 : Rows;
        string[] rows = [.. File.ReadLines(test).Skip(first).Take(TestRows)];
        string folder = _train.In("criteo/1");

        // Labels that a few columns of made-up rows decide make weights so large that sums in float32 lose more than the tolerance.
        string rate = OeTrain.RealData is null ? "0.02" : "0.05";
        string[] job =
        [
            "--data.train.files", train, "--data.train.rows", $"0-{Rows - 1}", "--data.test.files", test, "--data.test.rows", $"{first}-{first + TestRows - 1}",
            "--embedding.kind", kind, "--optimizer.learning_rate", rate, "--train.batch_size", "64",
        ];

        JsonElement summary = _train.Summary(ranks, [.. job, "--export", folder, "--output.predictions", _train.In("predictions.txt"), .. more]);

        double[] expected = [.. File.ReadLines(_train.In("predictions.txt")).Select(line => double.Parse(line, CultureInfo.InvariantCulture))];
        using var model = new ExportedModel(folder);
        float[] predicted = model.Predict(rows, batch: 100);
        Assert.Equal(TestRows, expected.Length);
        Assert.Equal(TestRows, predicted.Length);
        Assert.True(expected.Max() - expected.Min() > 0.1, "the rows do not differ");
        Assert.All(predicted.Zip(expected), pair => Assert.Equal(pair.Second, pair.First, Tolerance));
        Assert.All(model.Predict(rows.Take(3), batch: 1).Zip(predicted), pair => Assert.Equal(pair.Second, pair.First, Tolerance));
        AssertDescribes(folder, summary);
        return (summary, rows, expected);
    }

    private static void AssertDescribes(string folder, JsonElement summary)
    {
        JsonElement description = JsonDocument.Parse(File.ReadAllText(Path.Combine(folder, "model.json"))).RootElement;
        Assert.Equal(39, description.GetProperty("inputs").GetArrayLength());
        Assert.Equal("probability", description.GetProperty("outputs")[0].GetProperty("name").GetString());
        Assert.Equal(summary.GetProperty("steps").GetInt64(), description.GetProperty("training").GetProperty("steps").GetInt64());
        Assert.Equal(
            summary.GetProperty("test").GetProperty("auc").GetDouble(), description.GetProperty("training").GetProperty("test").GetProperty("auc").GetDouble());
        foreach (JsonElement file in description.GetProperty("files").EnumerateArray())
        {
            using FileStream content = File.OpenRead(Path.Combine(folder, file.GetProperty("name").GetString()!));
            Assert.Equal(content.Length, file.GetProperty("bytes").GetInt64());
            Assert.Equal(Convert.ToHexStringLower(SHA256.HashData(content)), file.GetProperty("sha256").GetString());
        }

        Assert.Equal(
            [.. description.GetProperty("files").EnumerateArray().Select(file => file.GetProperty("name").GetString()).Append("model.json").Order()],
            Directory.GetFiles(folder, "*", SearchOption.AllDirectories).Select(file => Path.GetRelativePath(folder, file)).Order());
        Assert.Equal([folder], Directory.GetFileSystemEntries(Path.GetDirectoryName(folder)!));
    }
}
