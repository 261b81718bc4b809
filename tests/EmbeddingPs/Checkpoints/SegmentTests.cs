using OpenEmbedding.EmbeddingPs.Checkpoints;
using OpenEmbedding.EmbeddingPs.Initializers;
using OpenEmbedding.EmbeddingPs.Optimizers;
using OpenEmbedding.EmbeddingPs.Storage;
using OpenEmbedding.EmbeddingPs.Tables;

namespace OpenEmbedding.EmbeddingPs.Tests.Checkpoints;

/// <summary>Segments of single tables, without servers.</summary>
public sealed class SegmentTests : IDisposable
{
    private static readonly TableOptions _options = new()
    {
        Name = "items",
        Kind = TableKind.Hash,
        Dimension = 4,
        Initializer = new RandomNormalOptions(),
        Optimizer = new AdagradOptions(),
    };

    private readonly string _folder = Directory.CreateTempSubdirectory("oe-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void ALargeHashTableIsLoaded(int shards)
    {
        const int Rows = 300_000;
        using var table = Filled(EmbeddingTable.Create(_options, 0, 1), Rows);
        var source = Save(table);
        long loaded = 0;
        for (int shard = 0; shard < shards; shard++)
        {
            using var part = EmbeddingTable.Create(_options, shard, shards);
            SegmentReader.Load(source, [part], slots: true);
            loaded += part.RowCount;
        }

        Assert.Equal(Rows, loaded);
    }

    [Fact]
    public void RowsThatAreNotInMemoryAreSavedAndLoaded()
    {
        const int Rows = 5000;
        using var inMemory = Filled(EmbeddingTable.Create(_options, 0, 1), Rows);
        using var tiered = Filled(Tiered("a"), Rows);
        var rows = StoredRowsOf.Table(Save(inMemory), _options.Name);
        var source = Save(tiered);
        Assert.Equal(Rows, rows.Count);
        Assert.Equal(rows, StoredRowsOf.Table(source, _options.Name));

        using var loaded = Tiered("b");
        SegmentReader.Load(source, [loaded], slots: true);
        Assert.Equal(rows, StoredRowsOf.Table(Save(loaded), _options.Name));
    }

    private static EmbeddingTable Filled(EmbeddingTable table, int count)
    {
        long[] keys = [.. Enumerable.Range(0, count).Select(i => i * 7L)];
        foreach (long[] part in keys.Chunk(100))
        {
            long[] rows = new long[part.Length];
            table.FindOrAdd(part, rows);
            table.Release(rows);
        }

        return table;
    }

    private EmbeddingTable Tiered(string name) =>
        EmbeddingTable.Create(_options, 0, 1, new TableStorage(Directory.CreateDirectory(Path.Combine(_folder, name)).FullName, 200));

    private CheckpointSource Save(EmbeddingTable table)
    {
        string folder = Path.Combine(_folder, Guid.NewGuid().ToString());
        using var directory = CheckpointDirectory.OpenForWriting(folder);
        var saved = new SegmentChain(0, 1, [table]).Write(new SaveRequest { Folder = folder, Step = 1 });
        Assert.Null(saved.Problem);
        directory.Commit(new CheckpointManifest { Step = 1, Tables = [CheckpointTable.Of(_options)], Servers = [saved.Segments] }, keep: 1);
        return CheckpointSource.OpenForReading(folder);
    }
}
