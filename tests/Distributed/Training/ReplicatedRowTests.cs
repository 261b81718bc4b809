using System.Text.Json;

namespace OpenEmbedding.Distributed.Tests.Training;

/// <summary>Rows that stay on the trainers, small tables whole and hot rows of large ones, change nothing but who holds them.</summary>
[Trait("Kind", "Job")]
public sealed class ReplicatedRowTests : IDisposable
{
    private const int GlobalBatch = 96;
    private const int Steps = 50;
    private static readonly string[] _small = ["--embedding.sparse_as_dense_size", "1000"];
    private static readonly string[] _hot = ["--cluster.hot_rows", "300"];
    private readonly OeTrain _train = new();
    private readonly string _rows;

    public ReplicatedRowTests()
    {
        _rows = _train.WriteRows("rows.txt", GlobalBatch * Steps);
    }

    [Fact]
    public void HotRowsEqualOneProcess() => AssertEqualOnAnyRanks("adam", "hash", _hot);

    [Fact]
    [Trait("Kind", "Long")]
    public void SmallTablesThatStayEqualOneProcess() => AssertEqualOnAnyRanks("adam", "array", _small);

    [Theory]
    [Trait("Kind", "Long")]
    [InlineData("adagrad")]
    [InlineData("sgd", "--optimizer.momentum", "0.9")]
    [InlineData("ftrl")]
    [InlineData("nadam")]
    [InlineData("rmsprop")]
    public void OtherRulesEqualOneProcess(string optimizer, params string[] more)
    {
        AssertEqualOnAnyRanks(optimizer, "array", [.. _hot, .. more], more);
        AssertEqualOnAnyRanks(optimizer, "array", [.. _small, .. more], more);
    }

    [Theory]
    [Trait("Kind", "Long")]
    [InlineData("--cluster.hot_rows", "300")]
    [InlineData("--embedding.sparse_as_dense_size", "1000")]
    public void TheSameJobTwiceGivesTheSameBits(params string[] replicated)
    {
        string[] job = Job("adam", "array", trainers: 3, [.. replicated, "--cluster.servers", "colocated", "--model.dtype", "float32"]);

        Assert.Equal(0, _train.Weights(3, job).DistanceTo(_train.Weights(3, job)));
    }

    [Fact]
    public void UnevenDataCountsEverySampleAndScoresThemAlike() => AssertUnevenData("--cluster.hot_rows", "300");

    [Fact]
    [Trait("Kind", "Long")]
    public void UnevenDataOfSmallTablesDoesToo() => AssertUnevenData("--embedding.sparse_as_dense_size", "1000");

    public void Dispose() => _train.Dispose();

    private static double Test(JsonElement summary, string metric) => summary.GetProperty("test").GetProperty(metric).GetDouble();

    private static long Rows(JsonElement summary) => summary.GetProperty("tables").EnumerateArray().Sum(table => table.GetProperty("rows").GetInt64());

    // The server is the last of four ranks.
    private static bool FewerServed(JsonElement summary, JsonElement plain) => KeysServed(summary) < KeysServed(plain);

    private static long KeysServed(JsonElement summary) => summary.GetProperty("tables").EnumerateArray()
        .Where(table => table.GetProperty("server_rank").GetInt32() == 3)
        .Sum(table => table.GetProperty("keys_pulled").GetInt64());

    private void AssertUnevenData(params string[] replicated)
    {
        string files = string.Join(',', [_train.WriteRows("a0.txt", 0), _train.WriteRows("a1500.txt", 1500), _train.WriteRows("a2000.txt", 2000)]);
        string[] job =
        [
            "--data.train", files, "--data.shard", "files", "--data.test", files, "--data.vocabulary", "1000", "--model.dtype", "float64",
            "--train.batch_size", "64", "--train.epochs", "2", "--cluster.servers", "1",
        ];

        JsonElement plain = _train.Summary(4, job);
        JsonElement summary = _train.Summary(4, [.. job, .. replicated]);

        Assert.Equal(2 * 3500, summary.GetProperty("samples").GetInt64());
        Assert.Equal(Test(plain, "auc"), Test(summary, "auc"), 1e-6);
        Assert.Equal(Test(plain, "logloss"), Test(summary, "logloss"), 1e-9);
        Assert.Equal(Rows(plain), Rows(summary));
        Assert.True(FewerServed(summary, plain), $"the servers were asked for as many keys with {string.Join(' ', replicated)} as without");
    }

    private void AssertEqualOnAnyRanks(string optimizer, string kind, string[] replicated, string[]? plain = null)
    {
        Weights alone = _train.Weights(1, Job(optimizer, kind, trainers: 1, plain ?? []));
        AssertEqual(alone, 1, Job(optimizer, kind, trainers: 1, replicated));
        AssertEqual(alone, 2, Job(optimizer, kind, trainers: 2, [.. replicated, "--cluster.servers", "colocated"]));
        AssertEqual(alone, 4, Job(optimizer, kind, trainers: 3, [.. replicated, "--cluster.servers", "1"]));
    }

    private void AssertEqual(Weights alone, int ranks, string[] job)
    {
        double distance = _train.Weights(ranks, job).DistanceTo(alone);
        Assert.True(distance <= 1e-9, $"{string.Join(' ', job)} on {ranks} ranks: distance {distance:E2}");
    }

    private string[] Job(string optimizer, string kind, int trainers, params string[] more) =>
    [
        "--data.train", _rows, "--model.name", "DeepFM", "--model.dtype", "float64", "--model.dnn_hidden_units", "16,8", "--embedding.kind", kind,
        .. kind == "array" ? (string[])["--data.vocabulary", "1000"] : [], "--optimizer.name", optimizer,
        "--train.batch_size", (GlobalBatch / trainers).ToString(), "--train.steps", Steps.ToString(), .. more,
    ];
}
