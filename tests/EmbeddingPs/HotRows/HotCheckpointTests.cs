using OpenEmbedding.EmbeddingPs.Checkpoints;
using OpenEmbedding.EmbeddingPs.Client;
using OpenEmbedding.EmbeddingPs.HotRows;
using OpenEmbedding.EmbeddingPs.Initializers;
using OpenEmbedding.EmbeddingPs.Optimizers;
using OpenEmbedding.EmbeddingPs.Tables;
using OpenEmbedding.EmbeddingPs.Tests.Checkpoints;
using OpenEmbedding.EmbeddingPs.Tests.Server;
using OpenEmbedding.EmbeddingPs.Tests.Tables;

namespace OpenEmbedding.EmbeddingPs.Tests.HotRows;

/// <summary>Checkpoints of rows that are on the trainers. Gradients are powers of 2, so that the order of additions does not matter.</summary>
public sealed class HotCheckpointTests : IDisposable
{
    private const int Dimension = 3;

    private static readonly HotRowOptions _options = new() { HotRows = 4, Period = 4, SparseAsDenseSize = 100 };

    private static readonly TableOptions _small = new()
    {
        Name = "small",
        Vocabulary = 100,
        Dimension = Dimension,
        Initializer = new RandomNormalOptions(),
        Optimizer = new AdamOptions(),
        Seed = 5,
    };

    private static readonly TableOptions[] _tables =
    [
        _small, _small with { Name = "array", Vocabulary = 1000 }, _small with { Name = "hash", Kind = TableKind.Hash, Vocabulary = 0, Optimizer = new AdagradOptions() },
    ];

    private readonly string _folder = Directory.CreateTempSubdirectory("oe-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void TheSameRowsAfterSaveAndLoad()
    {
        CheckpointSource first;
        CheckpointSource onServers;
        CheckpointSource onServersLater;
        using (var cluster = new PsCluster(2, 2).CreateTables(_tables))
        {
            Train(cluster.Trainers, 0, 10);
            onServers = Save(cluster.Trainers);
            Train(cluster.Trainers, 10, 17);
            onServersLater = Save(cluster.Trainers);
        }

        using (var cluster = new HotCluster(2, 2, _options).CreateTables(_tables))
        {
            Train(cluster.Trainers, 0, 10);
            Assert.True(HotKeysPulled(cluster) > 0);
            var rows = RowCounts(cluster);
            first = Save(cluster.Trainers);
            Assert.Equal(rows, RowCounts(cluster));

            // What was given to the servers stays hot.
            Train(cluster.Trainers, 10, 17);
            AssertSame(onServersLater, Save(cluster.Trainers));
        }

        AssertSame(onServers, first);
        using (var cluster = new HotCluster(2, 3, _options).CreateTables(_tables))
        {
            Load(cluster, first);
            AssertSame(first, Save(cluster.Trainers));
            Train(cluster.Trainers, 0, 7, before: 10);
            Assert.True(HotKeysPulled(cluster) > 0);
            AssertSame(onServersLater, Save(cluster.Trainers));
        }
    }

    [Fact]
    public void NoTrainerTakesRowsOfADamagedCheckpoint()
    {
        CheckpointSource damaged, whole;
        using (var cluster = new PsCluster(1, 1).CreateTables(_tables))
        {
            Train(cluster.Trainers, 0, 1);
            whole = Save(cluster.Trainers);
            Train(cluster.Trainers, 1, 6);
            damaged = Save(cluster.Trainers);
        }

        string path = damaged.PathOf(damaged.Manifest.Servers[0][0]);
        byte[] bytes = File.ReadAllBytes(path);
        bytes[^1] ^= 1;
        File.WriteAllBytes(path, bytes);
        using var hot = new HotCluster(3, 2, _options).CreateTables(_tables);
        string?[] damage = new string?[3];
        var errors = PsCluster.Together(3, trainer => damage[trainer] = hot.Trainers[trainer].Load(new LoadRequest(damaged.Check(_tables))));
        Assert.All(errors, Assert.Null);
        Assert.Contains(path, damage[0], StringComparison.Ordinal);
        Assert.All(damage.Skip(1), Assert.Null);
        Load(hot, whole);
        AssertSame(whole, Save(hot.Trainers));
    }

    [Fact]
    public void EveryTrainerReadsTheLoadedRows()
    {
        CheckpointSource source;
        using (var cluster = new PsCluster(1, 1).CreateTables(_tables))
        {
            Train(cluster.Trainers, 0, 3);
            source = Save(cluster.Trainers);
        }

        using var other = new PsCluster(1, 2).CreateTables(_tables);
        other.Trainers[0].Load(new LoadRequest(source.Check(_tables)));
        float[] expected = other.Trainers[0].Evaluate(0, _tables[0], 1, 2, 20, 21, 90);
        using var hot = new HotCluster(3, 2, _options).CreateTables(_tables);
        Load(hot, source);
        Assert.All(hot.Trainers, store => Assert.Equal(expected, store.Evaluate(0, _tables[0], 1, 2, 20, 21, 90)));
    }

    private static void Load(HotCluster cluster, CheckpointSource source) =>
        Assert.All(PsCluster.Together(cluster.Trainers.Length, trainer => Assert.Null(cluster.Trainers[trainer].Load(new LoadRequest(source.Check(_tables))))), Assert.Null);

    private static void AssertSame(CheckpointSource expected, CheckpointSource actual)
    {
        foreach (var table in _tables)
        {
            var rows = StoredRowsOf.Table(expected, table.Name);
            Assert.NotEmpty(rows);
            Assert.Equal(rows, StoredRowsOf.Table(actual, table.Name));
        }
    }

    private static long HotKeysPulled(HotCluster cluster) =>
        cluster.Trainers[0].GetStatistics().Where(table => table.ServerRank < 2 && table.Name != _small.Name).Sum(table => table.KeysPulled);

    private static long[] RowCounts(HotCluster cluster) =>
        [.. cluster.Trainers[0].GetStatistics().GroupBy(table => table.Table).Select(table => table.Sum(part => part.Rows))];

    /// <summary>Trains steps, whose keys depend on how many steps were before.</summary>
    private static void Train(IReadOnlyList<IEmbeddingStore> trainers, int first, int end, int before = 0)
    {
        using var gradients = new NativeArray<float>(16 * Dimension);
        for (int step = first; step < end; step++)
        {
            for (int trainer = 0; trainer < trainers.Count; trainer++)
            {
                var store = trainers[trainer];
                gradients.Span.Fill(trainer == 0 ? 1f : 0.25f);
                long[] ids = [1, 2, 3, 20 + step + before, 50 + ((step + before) * 2)];
                var tickets = _tables.Select((table, i) => store.Begin(step, PullMode.Train, i, store.Plan(table.Kind, ids))).ToArray();
                store.Push(step, [.. tickets.Select(ticket => new GradientBlock(ticket, [[gradients.Address]]))]);
                Array.ForEach(tickets, ticket => ticket.Dispose());
            }
        }
    }

    private CheckpointSource Save(IReadOnlyList<IEmbeddingStore> trainers)
    {
        using var directory = CheckpointDirectory.OpenForWriting(Path.Combine(_folder, Guid.NewGuid().ToString()));
        var request = new SaveRequest { Folder = directory.Folder, Step = 1 };
        var pending = trainers.Select(store => store.BeginSave(request)).ToArray();
        var saved = pending.Select(save => save.Wait()).First();
        directory.Commit(new CheckpointManifest { Step = 1, Tables = saved.Tables, Servers = saved.Servers }, keep: 1);
        return CheckpointSource.OpenForReading(directory.Folder);
    }
}
