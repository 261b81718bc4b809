using System.Diagnostics;
using OpenEmbedding.EmbeddingPs.Checkpoints;
using OpenEmbedding.EmbeddingPs.Initializers;
using OpenEmbedding.EmbeddingPs.Optimizers;
using OpenEmbedding.EmbeddingPs.Protocol;
using OpenEmbedding.EmbeddingPs.Storage;
using OpenEmbedding.EmbeddingPs.Tables;

namespace OpenEmbedding.EmbeddingPs.Tests.Checkpoints;

/// <summary>Increments, and rows that change while they are written.</summary>
public sealed class SegmentChainTests : IDisposable
{
    private const int Vocabulary = 20_000;
    private const int Dimension = 3;

    private readonly string _folder = Directory.CreateTempSubdirectory("oe-").FullName;
    private readonly CheckpointDirectory _directory;
    private readonly Random _random = new(11);
    private long _step;

    public SegmentChainTests()
    {
        _directory = CheckpointDirectory.OpenForWriting(_folder);
    }

    public void Dispose()
    {
        _directory.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Theory]
    [InlineData(TableKind.Array, false)]
    [InlineData(TableKind.Hash, false)]
    [InlineData(TableKind.Hash, true)]
    [InlineData(TableKind.Array, true)]
    public void RowsThatChangeWhileTheyAreWrittenAreSavedAsTheyWere(TableKind kind, bool tiered)
    {
        using var table = Table(kind, tiered);
        Train(table, 8000);
        var before = RowsOf(table);
        var chain = new SegmentChain(0, 1, [table]);
        var capture = chain.Begin(Request(), null);
        while (capture.Advance())
        {
            Train(table, 300);
        }

        Assert.Equal(before, StoredRowsOf.Table(Source(chain.End(capture)), "items"));
    }

    [Theory]
    [InlineData(TableKind.Array, 2, false)]
    [InlineData(TableKind.Array, 5, false)]
    [InlineData(TableKind.Hash, 3, false)]
    [InlineData(TableKind.Hash, 3, true)]
    [InlineData(TableKind.Array, 8, true)]
    public void TheLastIncrementsHoldEveryRow(TableKind kind, int increments, bool tiered)
    {
        using var table = Table(kind, tiered);
        var chain = new SegmentChain(0, 1, [table]);
        for (int round = 0; round < 4 * increments; round++)
        {
            Train(table, round % 4 == 3 ? 0 : 900);
            Remove(table, tiered ? 0 : 300);
            var expected = RowsOf(table);
            var capture = chain.Begin(Request() with { Increments = increments }, null);
            Train(table, 200);
            Remove(table, tiered ? 0 : 100);
            capture.Advance();
            Train(table, 200);
            var saved = chain.End(capture);
            Assert.InRange(saved.Segments.Length, 1, increments);
            var source = Source(saved);
            Assert.Equal(expected, StoredRowsOf.Table(source, "items"));
            using var loaded = Table(kind, tiered: false);
            SegmentReader.Load(source, [loaded], slots: true);
            Assert.Equal(expected, RowsOf(loaded));
        }
    }

    [Fact]
    public void AnIncrementHoldsWhatChangedAndAPart()
    {
        using var table = Table(TableKind.Array, tiered: false);
        Touch(table, Enumerable.Range(0, Vocabulary));
        var chain = new SegmentChain(0, 1, [table]);
        var request = Request() with { Increments = 8 };
        Assert.Equal(Vocabulary, chain.Write(request).Segments[^1].Rows["items"]);
        Touch(table, Enumerable.Range(100, 50));
        long rows = chain.Write(request with { Step = ++_step }).Segments[^1].Rows["items"];
        Assert.InRange(rows, Vocabulary / 8, (Vocabulary / 8) + 50 + 64);
    }

    [Theory]
    [InlineData(4, 30)]
    [InlineData(4, 3000)]
    [InlineData(1, 500)]
    public void ATableInFilesSavesWhatOneInMemoryDoes(int increments, int cache)
    {
        // Each save is read by two other servers, whose tables are in files too.
        using var memory = Table(TableKind.Hash, tiered: false);
        using var tiered = Table(TableKind.Hash, tiered: true, cache: cache);
        var chain = new SegmentChain(0, 1, [tiered]);
        for (int round = 0; round < 3 * increments + 2; round++)
        {
            TrainBoth(memory, tiered, round % 5 == 4 ? 0 : 1500);
            var expected = RowsOf(memory);
            var capture = chain.Begin(Request() with { Increments = increments }, null);
            for (int step = 0; step < 6; step++)
            {
                TrainBoth(memory, tiered, 400);
                capture.Advance();
            }

            var source = Source(chain.End(capture));
            Assert.Equal(expected, StoredRowsOf.Table(source, "items"));
            var loaded = new SortedDictionary<long, string>();
            for (int shard = 0; shard < 2; shard++)
            {
                using var part = Table(TableKind.Hash, tiered: true, shard, shards: 2, cache);
                SegmentReader.Load(source, [part], slots: true);
                foreach (var (key, row) in RowsOf(part))
                {
                    loaded.Add(key, row);
                }
            }

            Assert.Equal(expected, loaded);
        }
    }

    [Fact]
    public void ASaveOfRowsInFilesLeavesThoseInMemoryWhereTheyAre()
    {
        using var table = (TieredTable)Table(TableKind.Hash, tiered: true);
        Train(table, 12_000);
        long[] keys = [.. Enumerable.Range(0, Vocabulary)];
        long[] before = new long[Vocabulary];
        long[] after = new long[Vocabulary];
        table.Find(keys, before);
        long read = table.Log.RowsRead;
        Assert.Equal(table.RowCount, new SegmentChain(0, 1, [table]).Write(Request()).Segments[0].Rows["items"]);
        table.Find(keys, after);
        Assert.Equal(before, after);
        Assert.Equal(read, table.Log.RowsRead);
    }

    [Fact]
    public void AnIncrementOfRowsInFilesLeavesOutWhatIsInOthers()
    {
        using var table = Table(TableKind.Hash, tiered: true);
        Touch(table, Enumerable.Range(0, Vocabulary));
        var chain = new SegmentChain(0, 1, [table]);
        var request = Request() with { Increments = 8 };
        Assert.Equal(Vocabulary, chain.Write(request).Segments[^1].Rows["items"]);

        // What was in memory at the first save comes once more when it has gone to a file.
        chain.Write(request with { Step = ++_step });
        Touch(table, Enumerable.Range(100, 50));
        Assert.InRange(chain.Write(request with { Step = ++_step }).Segments[^1].Rows["items"], 50, Vocabulary / 3);
    }

    [Fact]
    public void ARowThatIsDamagedInTheFileFailsTheSaveAlone()
    {
        using var table = (TieredTable)Table(TableKind.Hash, tiered: true);
        Train(table, 12_000);
        string path = Assert.Single(Directory.GetFiles(_folder, "*.rows", SearchOption.AllDirectories));

        // As a disk would: the table holds a lock against those who ask.
        using (var dd = Process.Start("dd", ["if=/dev/urandom", $"of={path}", "bs=4096", "count=1", "conv=notrunc", "status=none"]))
        {
            dd.WaitForExit();
        }

        var saved = new SegmentChain(0, 1, [table]).Write(Request());
        Assert.Contains($"cannot be written: Table items: {path} is corrupt at byte ", saved.Problem, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFiles(Path.Combine(_folder, "files")));
    }

    [Fact]
    public void AnotherFolderAndAFailureBeginAnew()
    {
        using var table = Table(TableKind.Hash, tiered: false);
        Train(table, 3000);
        var chain = new SegmentChain(0, 1, [table]);
        var request = Request() with { Increments = 4 };
        chain.Write(request);
        Assert.Equal(2, chain.Write(Request() with { Increments = 4 }).Segments.Length);

        string files = Path.Combine(_folder, "files");
        Directory.Move(files, files + ".away");
        Assert.Contains("cannot be written", chain.Write(Request() with { Increments = 4 }).Problem, StringComparison.Ordinal);
        Directory.Move(files + ".away", files);
        AssertFirst(chain.Write(Request() with { Increments = 4 }));

        // A save that stands alone between two increments leaves the chain as it is.
        Assert.Single(chain.Write(Request() with { Slots = false }).Segments);
        Assert.Equal(2, chain.Write(Request() with { Increments = 4 }).Segments.Length);
        string other = Path.Combine(_folder, "other");
        Directory.CreateDirectory(Path.Combine(other, "files"));
        AssertFirst(chain.Write(Request() with { Folder = other, Increments = 4 }));

        // What increments of one kind hold is of no use to another.
        AssertFirst(chain.Write(Request() with { Folder = other, Increments = 3 }));
        AssertFirst(chain.Write(Request() with { Folder = other, Increments = 3, Slots = false }));
        Assert.Equal(2, chain.Write(Request() with { Folder = other, Increments = 3, Slots = false }).Segments.Length);

        // A file that no manifest named is gone when the folder is opened again.
        Directory.Delete(Path.Combine(other, "files"), recursive: true);
        Directory.CreateDirectory(Path.Combine(other, "files"));
        AssertFirst(chain.Write(Request() with { Folder = other, Increments = 3, Slots = false }));

        void AssertFirst(SavedSegments saved) => Assert.Equal(table.RowCount, Assert.Single(saved.Segments).Rows["items"]);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void ASaveThatIsGivenUpLeavesNoFile(bool tiered)
    {
        using var table = Table(TableKind.Hash, tiered);
        Train(table, 3000);
        var capture = new SegmentChain(0, 1, [table]).Begin(Request(), null);
        Assert.True(capture.Advance());
        capture.Dispose();
        Assert.Empty(Directory.GetFiles(Path.Combine(_folder, "files")));
        Train(table, 500);
    }

    private SaveRequest Request() => new() { Folder = _folder, Step = ++_step };

    private EmbeddingTable Table(TableKind kind, bool tiered, int shard = 0, int shards = 1, int cache = 500)
    {
        var options = new TableOptions
        {
            Name = "items",
            Kind = kind,
            Vocabulary = kind == TableKind.Array ? Vocabulary : 0,
            Dimension = Dimension,
            Initializer = new RandomNormalOptions(),
            Optimizer = new AdagradOptions(),
        };
        var storage = new TableStorage(Directory.CreateDirectory(Path.Combine(_folder, Guid.NewGuid().ToString())).FullName, cache);
        return EmbeddingTable.Create(options, shard, shards, tiered ? storage : null);
    }

    private void Train(EmbeddingTable table, int keys) => Touch(table, Enumerable.Range(0, keys).Select(_ => _random.Next(Vocabulary)).Distinct());

    private void Remove(EmbeddingTable table, int keys) =>
        table.Remove([.. Enumerable.Range(0, keys).Select(_ => (long)_random.Next(Vocabulary))]);

    private void TrainBoth(EmbeddingTable first, EmbeddingTable second, int keys)
    {
        int[] some = [.. Enumerable.Range(0, keys).Select(_ => (int)(Vocabulary * Math.Pow(_random.NextDouble(), 3))).Distinct()];
        Touch(some, first, second);
    }

    private void Touch(EmbeddingTable table, IEnumerable<int> some) => Touch(some, table);

    private unsafe void Touch(IEnumerable<int> some, params EmbeddingTable[] tables)
    {
        foreach (int[] part in some.Chunk(100))
        {
            long[] keys = [.. part.Select(key => (long)key)];
            long[] rows = new long[keys.Length];
            float[] gradients = [.. Enumerable.Range(0, keys.Length * Dimension).Select(_ => _random.NextSingle())];
            foreach (var table in tables)
            {
                table.FindOrAdd(keys, rows);
                fixed (float* start = gradients)
                {
                    table.Apply(rows, (nint)start);
                }

                table.Release(rows);
            }
        }
    }

    private SortedDictionary<long, string> RowsOf(EmbeddingTable table) =>
        StoredRowsOf.Table(Source(new SegmentChain(0, 1, [table]).Write(Request())), "items");

    private CheckpointSource Source(SavedSegments saved)
    {
        Assert.Null(saved.Problem);
        _directory.Commit(
            new CheckpointManifest
            {
                Step = ++_step,
                Tables = [CheckpointTable.Of(new TableOptions { Name = "items", Kind = TableKind.Hash, Dimension = Dimension, Optimizer = new AdagradOptions() })],
                Servers = [saved.Segments],
            },
            keep: 1000);
        return CheckpointSource.OpenForReading(_folder);
    }
}
