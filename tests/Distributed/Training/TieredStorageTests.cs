using OpenEmbedding.Collectives;

namespace OpenEmbedding.Distributed.Tests.Training;

/// <summary>Rows in files change nothing but where they are.</summary>
[Trait("Kind", "Job")]
public sealed class TieredStorageTests : IDisposable
{
    private const int Rows = 12_000;
    private readonly OeTrain _train = new();
    private readonly string _rows;

    public TieredStorageTests()
    {
        _rows = _train.WriteRows("rows.txt", Rows);
    }

    public void Dispose() => _train.Dispose();

    [Theory]
    [InlineData("array", 2, "1")]
    [InlineData("hash", 3, "colocated", "--cluster.staleness", "2")]
    [InlineData("hash", 4, "2", "--cluster.hot_rows", "100")]
    public void TheWeightsAreThoseOfAJobInMemory(string kind, int ranks, string servers, params string[] more)
    {
        string[] job = [.. Job(kind), "--cluster.servers", servers, .. more];
        string[] tiered = [.. job, "--embedding.storage", "tiered", "--embedding.cache_mb", "1", "--embedding.storage_path", _train.In("store")];

        // With staleness, two runs differ in what a pull sees.
        if (more.Contains("--cluster.staleness"))
        {
            Assert.True(_train.Summary(ranks, tiered).GetProperty("samples").GetInt64() > 0);
        }
        else
        {
            Assert.Equal(0, _train.Weights(ranks, job).DistanceTo(_train.Weights(ranks, tiered)));
        }

        Assert.Empty(Directory.GetFiles(_train.In("store")));
    }

    [Fact]
    public void AFolderThatCannotBeMadeEndsTheJobWithOneLine()
    {
        string path = Path.Combine(_train.Write("file", ""), "store");
        MpiJobResult result = OeTrain.Run(2, [.. Job("hash"), "--embedding.storage", "tiered", "--embedding.storage_path", path]);

        Assert.Equal(JobExitCode.Data, result.ExitCode);
        Assert.Contains($"Table embedding: cannot open {path}/embedding.server-0-of-1.rows: ", result.ToString());
    }

    private string[] Job(string kind) =>
    [
        "--data.train", _rows, "--data.vocabulary", "50000", "--embedding.kind", kind, "--embedding.dimension", "32", "--optimizer", "adam",
        "--train.batch_size", "100", "--model.dnn_hidden_units", "8", "--train.epochs", "2", "--train.prefetch", "2",
    ];
}
