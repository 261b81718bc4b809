using OpenEmbedding.Collectives;
using OpenEmbedding.EmbeddingPs.Client;
using OpenEmbedding.EmbeddingPs.HotRows;
using OpenEmbedding.EmbeddingPs.Initializers;
using OpenEmbedding.EmbeddingPs.Optimizers;
using OpenEmbedding.EmbeddingPs.Tables;
using OpenEmbedding.EmbeddingPs.Tests.Server;
using OpenEmbedding.EmbeddingPs.Tests.Tables;

namespace OpenEmbedding.EmbeddingPs.Tests.HotRows;

/// <summary>Weights start at 0 and the rule is w −= g, so that a weight tells how often its key was trained.</summary>
public class HotRowStoreTests
{
    private static readonly TableOptions _array = new()
    {
        Name = "clicks",
        Vocabulary = 100,
        Dimension = 2,
        Initializer = new ConstantOptions(),
        Optimizer = new SgdOptions { LearningRate = 1 },
    };

    private static readonly TableOptions _hash = _array with { Name = "views", Kind = TableKind.Hash, Vocabulary = 0 };

    [Theory]
    [InlineData(TableKind.Array)]
    [InlineData(TableKind.Hash)]
    public void KeysOfEveryBatchBecomeHotAndGoBackWhenTheyComeNoMore(TableKind kind)
    {
        var table = kind == TableKind.Array ? _array : _hash;
        using var cluster = new HotCluster(trainers: 2, servers: 2, new HotRowOptions { HotRows = 2, Period = 4 }).CreateTables(table);

        // Key 1 and 2 are in every batch; 20 + step in one.
        Train(cluster, table, 0, 4, step => [1, 2, 20 + step]);
        Assert.Equal((3 * 2 * 4, 0), KeysPulled(cluster));
        Train(cluster, table, 4, 8, step => [1, 2, 20 + step]);
        Assert.Equal((3 * 2 * 4 + (2 * 4), 2 * 4), KeysPulled(cluster));
        AssertWeights(cluster, table, 8, (1, 16), (2, 16), (20, 2), (27, 2), (50, 0));

        // From now on others are: the first choice after eight of their steps replaces them.
        Train(cluster, table, 8, 24, step => [3, 4, 20 + step]);
        AssertWeights(cluster, table, 24, (1, 16), (2, 16), (3, 32), (4, 32), (43, 2));
        var before = KeysPulled(cluster);
        Train(cluster, table, 24, 25, _ => [3, 4, 1]);
        Assert.Equal((before.Servers + 2, before.Replica + 2), KeysPulled(cluster));
        AssertWeights(cluster, table, 25, (1, 18), (3, 34));
    }

    [Fact]
    public void EvaluationOfATableThatStaysStoresNothing()
    {
        var table = _array with { Initializer = new RandomNormalOptions() };
        using var cluster = new HotCluster(trainers: 1, servers: 1, new HotRowOptions { SparseAsDenseSize = 100 }).CreateTables(table);
        var store = cluster.Trainers[0];
        float[] first = store.Evaluate(0, table, 1, 2, 3);
        Assert.Equal(first, store.Evaluate(0, table, 1, 2, 3));
        Assert.All(store.GetStatistics(), statistics => Assert.Equal(0, statistics.Rows));
        store.Train(0, table, 0, 1, 2, 3);
        Assert.Equal(first, store.Evaluate(1, table, 1, 2, 3));
        Assert.Equal(3, store.GetStatistics().Sum(statistics => statistics.Rows));
    }

    [Fact]
    public void ReplicasAreCountedBesideTheServers()
    {
        using var cluster = new HotCluster(trainers: 2, servers: 2, new HotRowOptions { SparseAsDenseSize = 100 }).CreateTables(_array, _hash);
        Train(cluster, _array, 0, 3, step => [1, 2, 20 + step]);
        var statistics = cluster.Trainers[1].GetStatistics();
        Assert.Equal(["clicks", "clicks", "clicks", "views", "views"], statistics.Select(table => table.Name));
        Assert.Equal([2, 3, 1, 2, 3], statistics.Select(table => table.ServerRank));
        Assert.Equal([0, 0, 5, 0, 0], statistics.Select(table => table.Rows));
        Assert.Equal([0, 0, 3, 0, 0], statistics.Select(table => table.Pulls));
        Assert.Equal([0, 0, 9, 0, 0], statistics.Select(table => table.KeysPulled));
        Assert.Equal([0, 0, 3, 0, 0], statistics.Select(table => table.Pushes));
        Assert.Equal([0, 0, 9, 0, 0], statistics.Select(table => table.KeysPushed));

        // Sums of the whole table, both ways; to each server a push without gradients.
        long sums = 3 * 100 * 2 * sizeof(float);
        Assert.Equal(new TrafficCounters(sums, sums + (3 * 2 * 64)), cluster.Trainers[1].Traffic);
    }

    [Fact]
    public void ATrainerWithoutBatchesTakesPart()
    {
        using var cluster = new HotCluster(trainers: 3, servers: 1, new HotRowOptions { HotRows = 5, Period = 2 }).CreateTables(_hash);
        for (int step = 0; step < 9; step++)
        {
            cluster.Trainers[2].Push(step, []);
            cluster.Trainers[0].Train(step, _hash, 1, 1, 2);
            cluster.Trainers[1].Train(step, _hash, 1, 2, 3 + step);
        }

        Assert.True(cluster.Trainers[2].GetStatistics()[^1].MemoryBytes > 0);
        foreach (var store in cluster.Trainers)
        {
            Assert.Equal([-9, -9, -18, -18, -1, -1], store.Evaluate(9, _hash, 1, 2, 7));
        }
    }

    [Fact]
    public void APullBehindTheNextChoiceIsPutOffUntilItIsWaitedFor()
    {
        using var cluster = new HotCluster(trainers: 1, servers: 1, new HotRowOptions { HotRows = 5, Period = 2 }).CreateTables(_hash);
        var store = cluster.Trainers[0];
        store.Train(0, _hash, 1, 7);
        var keys = store.Plan(_hash.Kind, 7, 8);
        using var ahead = store.Begin(2, PullMode.Train, 0, keys);
        store.Begin(2, PullMode.Train, 0, keys).Dispose();

        // The plan may change at once.
        keys.Plan([9], _hash.Kind, store.Shards);
        store.Train(1, _hash, 1, 7);
        Assert.False(ahead.IsCompleted);
        Assert.Equal([-2, -2, 0, 0], ahead.Rows(store.Plan(_hash.Kind, 7, 8), 2));
        Assert.True(ahead.IsCompleted);
        store.PushAll(2, ahead, 1, 4);
        Assert.Equal([-3, -3, -1, -1], store.Evaluate(3, _hash, 7, 8));
    }

    [Fact]
    public void CallsInTheWrongPlaceAreRefused()
    {
        using var cluster = new HotCluster(trainers: 1, servers: 2, new HotRowOptions { SparseAsDenseSize = 100 });
        var store = cluster.Trainers[0];
        Assert.Throws<InvalidOperationException>(() => store.Evaluate(0, _array, 1));
        cluster.CreateTables(_array, _hash);
        Assert.Throws<InvalidOperationException>(() => store.CreateTables([_array]));
        var error = Assert.Throws<OpenEmbeddingException>(() => store.Evaluate(3, _array, 5, 100));
        Assert.Equal("Table clicks, step 3: key 100 is out of range; allowed are 0 to 99.", error.Message);
        Assert.Equal(JobExitCode.Data, error.ExitCode);
        var keys = store.Plan(TableKind.Array, 1, 2);
        using var ticket = store.Begin(0, PullMode.Train, 0, keys);
        using var evaluation = store.Begin(0, PullMode.Evaluate, 0, keys);
        using var later = store.Begin(1, PullMode.Train, 0, keys);
        using var gradients = new NativeArray<float>(4);
        GradientBlock Block(PullTicket of) => new(of, [[gradients.Address]]);

        Assert.False(later.IsCompleted);
        Assert.Throws<ArgumentOutOfRangeException>(() => store.Begin(-1, PullMode.Train, 0, keys));
        Assert.Throws<ArgumentException>(() => store.Begin(0, PullMode.Train, 1, keys));
        Assert.Throws<ArgumentOutOfRangeException>(() => ticket.CopyRows(1, 0, gradients.Address));
        Assert.Throws<ArgumentOutOfRangeException>(() => ticket.CopyRows(0, 1, gradients.Address));
        Assert.Throws<ArgumentOutOfRangeException>(() => store.Push(1, []));
        Assert.Throws<ArgumentException>(() => store.Push(0, [Block(evaluation)]));
        Assert.Throws<ArgumentException>(() => store.Push(0, [new GradientBlock(ticket, [])]));
        Assert.Throws<ArgumentException>(() => store.Push(0, [new GradientBlock(ticket, [[0]])]));
        Assert.Throws<ArgumentException>(() => store.Push(0, [Block(ticket), Block(ticket)]));
        Assert.Throws<ArgumentOutOfRangeException>(() => store.ReadTable(2, (_, _) => { }));

        store.Push(0, [Block(ticket)]);
        Assert.Throws<ArgumentOutOfRangeException>(() => store.Begin(0, PullMode.Train, 0, keys));
        store.Evaluate(1, _array, 1);
        Assert.Throws<InvalidOperationException>(() => ticket.CopyRows(0, 0, gradients.Address));
        ticket.Dispose();
        Assert.Throws<ObjectDisposedException>(ticket.Wait);
    }

    [Fact]
    public void TablesOfOneKeySpaceHaveTheSameKeys()
    {
        using var cluster = new HotCluster(trainers: 1, servers: 1, new HotRowOptions { HotRows = 1 });
        var error = Assert.Throws<OpenEmbeddingException>(() => cluster.Trainers[0].CreateTables(
            [_array with { KeySpace = "ids" }, _array with { Name = "views", Vocabulary = 50, KeySpace = "ids" }]));
        Assert.Equal(
            "Table views: key space ids is that of table clicks, which is of kind Array with vocabulary 100; this one is of kind Array with 50.",
            error.Message);
        Assert.Equal(JobExitCode.Configuration, error.ExitCode);
    }

    private static void Train(HotCluster cluster, TableOptions table, int first, int end, Func<int, long[]> ids)
    {
        for (int step = first; step < end; step++)
        {
            foreach (var store in cluster.Trainers)
            {
                store.Train(step, table, 1, ids(step));
            }
        }
    }

    // Of all servers, and of the first trainer's replica.
    private static (long Servers, long Replica) KeysPulled(HotCluster cluster)
    {
        var statistics = cluster.Trainers[0].GetStatistics().ToLookup(table => table.ServerRank >= cluster.Trainers.Length, table => table.KeysPulled);
        return (statistics[true].Sum(), statistics[false].Sum());
    }

    private static void AssertWeights(HotCluster cluster, TableOptions table, int step, params (long Key, int Trained)[] keys)
    {
        long[] servers = [.. keys.Select(key => key.Key)];
        foreach (var store in cluster.Trainers)
        {
            Assert.Equal(keys.SelectMany(key => new float[] { -key.Trained, -key.Trained }), store.Evaluate(step, table, servers));
            var stored = new Dictionary<long, float>();
            store.ReadTable(0, (read, weights) =>
            {
                for (int i = 0; i < read.Length; i++)
                {
                    stored.Add(read[i], BitConverter.ToSingle(weights, 2 * sizeof(float) * i));
                }
            });
            Assert.All(keys, key => Assert.Equal(-key.Trained, stored.GetValueOrDefault(key.Key)));
        }
    }
}
