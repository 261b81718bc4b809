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

    [Fact]
    public void ASaveThatIsGivenUpLeavesNoFile()
    {
        using var table = Table(TableKind.Hash, tiered: false);
        Train(table, 3000);
        var capture = new SegmentChain(0, 1, [table]).Begin(Request(), null);
        Assert.True(capture.Advance());
        capture.Dispose();
        Assert.Empty(Directory.GetFiles(Path.Combine(_folder, "files")));
        Train(table, 500);
    }

    private SaveRequest Request() => new() { Folder = _folder, Step = ++_step };

    private EmbeddingTable Table(TableKind kind, bool tiered)
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
        var storage = new TableStorage(Directory.CreateDirectory(Path.Combine(_folder, Guid.NewGuid().ToString())).FullName, 500);
        return EmbeddingTable.Create(options, 0, 1, tiered ? storage : null);
    }

    private void Train(EmbeddingTable table, int keys) => Touch(table, Enumerable.Range(0, keys).Select(_ => _random.Next(Vocabulary)).Distinct());

    private void Remove(EmbeddingTable table, int keys) =>
        table.Remove([.. Enumerable.Range(0, keys).Select(_ => (long)_random.Next(Vocabulary))]);

    private unsafe void Touch(EmbeddingTable table, IEnumerable<int> some)
    {
        foreach (int[] part in some.Chunk(100))
        {
            long[] keys = [.. part.Select(key => (long)key)];
            long[] rows = new long[keys.Length];
            float[] gradients = [.. Enumerable.Range(0, keys.Length * Dimension).Select(_ => _random.NextSingle())];
            table.FindOrAdd(keys, rows);
            fixed (float* start = gradients)
            {
                table.Apply(rows, (nint)start);
            }

            table.Release(rows);
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
