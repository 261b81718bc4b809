using CsCheck;
using OpenEmbedding.Collectives;
using OpenEmbedding.EmbeddingPs.Client;
using OpenEmbedding.EmbeddingPs.Initializers;
using OpenEmbedding.EmbeddingPs.Optimizers;
using OpenEmbedding.EmbeddingPs.Protocol;
using OpenEmbedding.EmbeddingPs.Replicas;
using OpenEmbedding.EmbeddingPs.Tables;
using OpenEmbedding.EmbeddingPs.Tests.Server;

namespace OpenEmbedding.EmbeddingPs.Tests.Replicas;

/// <summary>Replicas of one trainer; several are compared with servers in real jobs.</summary>
public sealed class ReplicaStoreTests(ReplicaStoreTests.Alone alone) : IClassFixture<ReplicaStoreTests.Alone>
{
    private static readonly TableOptions _array = new() { Name = "array", Vocabulary = 10, Dimension = 2 };

    [Fact]
    public void GatheredGradientsGiveTheBitsOfOneTable()
    {
        Gen.Int.Sample(
            seed =>
            {
                var random = new Random(seed);
                var tables = RandomJob.RandomTables(random);
                using var store = new AllGatherStore(alone.Communication.World);
                store.CreateTables(tables);
                using var job = new RandomJob(random, [store], tables, pullsMakeRows: false);
                job.Run(steps: 6);
            },
            iter: 20,
            threads: 1);
    }

    [Fact]
    public void DenseGradientsGiveTheBitsOfOneTableWhereRowsWithoutGradientsStay()
    {
        Gen.Int.Sample(
            seed =>
            {
                var random = new Random(seed);
                TableOptions[] tables =
                [
                    .. RandomJob.RandomTables(random).Select(table => table with
                    {
                        Kind = TableKind.Array,
                        Optimizer = table.Optimizer is AdamOptions ? new AdagradOptions() : table.Optimizer,
                    }),
                ];
                using var store = new AllReduceStore(alone.Communication.World);
                store.CreateTables(tables);
                using var job = new RandomJob(random, [store], tables, pullsMakeRows: false);
                job.Run(steps: 6);
            },
            iter: 20,
            threads: 1);
    }

    [Theory]
    [InlineData(ElementType.Float16, KeyEncoding.None)]
    [InlineData(ElementType.BFloat16, KeyEncoding.Lz4)]
    public void GatheredGradientsAreRoundedAsTheyTravel(ElementType push, KeyEncoding keys)
    {
        var wire = new WireOptions { Push = push, Keys = keys };
        Gen.Int.Sample(
            seed =>
            {
                var random = new Random(seed);
                var tables = RandomJob.RandomTables(random);
                using var store = new AllGatherStore(alone.Communication.World, wire);
                store.CreateTables(tables);
                using var job = new RandomJob(random, [store], tables, pullsMakeRows: false, wire);
                job.Run(steps: 6);
            },
            iter: 20,
            threads: 1);
    }

    [Theory]
    [InlineData(ElementType.Float16, 63.96875f)]
    [InlineData(ElementType.BFloat16, 100)]
    public void DenseGradientsAreRoundedAsTheyTravel(ElementType dense, float hundred)
    {
        var table = _array with { Initializer = new ConstantOptions(), Optimizer = new SgdOptions { LearningRate = 1 } };
        using var store = new AllReduceStore(alone.Communication.World, new WireOptions { Dense = dense });
        store.CreateTables([table]);
        store.Train(0, table, 1 / 3f, 3);
        float third = -store.Evaluate(1, table, 3)[0];
        Assert.NotEqual(1 / 3f, third);
        Assert.Equal(1 / 3f, third, 0.001f);
        store.Train(1, table, 100, 4);
        Assert.Equal(-hundred, store.Evaluate(2, table, 4)[0]);
        Assert.Equal(2 * 10 * 2 * sizeof(ushort), store.Traffic.PushedBytes);
    }

    [Fact]
    public void DenseGradientsNeedArrays()
    {
        using var store = new AllReduceStore(alone.Communication.World);
        var error = Assert.Throws<OpenEmbeddingException>(() => store.CreateTables([_array, _array with { Name = "hash", Kind = TableKind.Hash }]));
        Assert.Equal(
            "Table hash: strategy \"allreduce\" needs array tables, not Hash; use \"ps\" or \"allgather\" for hash tables.", error.Message);
        Assert.Equal(JobExitCode.Configuration, error.ExitCode);
    }

    [Fact]
    public void StatisticsAndTrafficTellWhatWasExchanged()
    {
        using var gathered = new AllGatherStore(alone.Communication.World);
        using var reduced = new AllReduceStore(alone.Communication.World);
        foreach (ReplicaStore store in (ReplicaStore[])[gathered, reduced])
        {
            store.CreateTables([_array]);
            store.Train(0, _array, 1, 3, 3, 4);
            store.Evaluate(1, _array, 3);
            var statistics = Assert.Single(store.GetStatistics());
            Assert.Equal((2, 3, 1, 2), (statistics.Pulls, statistics.KeysPulled, statistics.Pushes, statistics.KeysPushed));
            Assert.Equal(0, store.Traffic.PulledBytes);
        }

        // Two counts, the directory, two keys, two gradients; against all rows.
        Assert.Equal(16 + 16 + 16 + 16, gathered.Traffic.PushedBytes);
        Assert.Equal(10 * 2 * sizeof(float), reduced.Traffic.PushedBytes);
        Assert.Equal(2, gathered.GetStatistics()[0].Rows);
        Assert.Equal(10, reduced.GetStatistics()[0].Rows);
    }

    [Fact]
    public void CallsInTheWrongPlaceAreRefused()
    {
        using var store = new AllGatherStore(alone.Communication.World);
        Assert.Throws<InvalidOperationException>(() => store.Evaluate(0, _array, 1));
        store.CreateTables([_array]);
        Assert.Throws<InvalidOperationException>(() => store.CreateTables([_array]));
        Assert.Equal(JobExitCode.Data, Assert.Throws<OpenEmbeddingException>(() => store.Evaluate(0, _array, 10)).ExitCode);
        var keys = store.Plan(TableKind.Array, 1);
        using var ticket = store.Begin(0, PullMode.Train, 0, keys);
        using var later = store.Begin(1, PullMode.Train, 0, keys);
        Assert.True(ticket.IsCompleted);
        Assert.False(later.IsCompleted);
        Assert.Throws<ArgumentOutOfRangeException>(() => ticket.CopyRows(0, 1, 0));
        Assert.Throws<ArgumentException>(() => store.Push(0, [new GradientBlock(ticket, [])]));
        Assert.Throws<ArgumentException>(() => store.Push(0, [new GradientBlock(later, [[1]])]));
        Assert.Throws<ArgumentOutOfRangeException>(() => store.Push(1, []));
        store.Push(0, []);
        later.Wait();
        Assert.Throws<InvalidOperationException>(() => ticket.CopyRows(0, 0, 1));
        ticket.Dispose();
        Assert.Throws<ObjectDisposedException>(() => ticket.CopyRows(0, 0, 1));
    }

    /// <summary>The communication of a process that mpirun did not start; there is one in a process.</summary>
    public sealed class Alone : IDisposable
    {
        public Communication Communication { get; } = Communication.Start();

        public void Dispose() => Communication.Dispose();
    }
}
