using CsCheck;
using OpenEmbedding.Collectives;
using OpenEmbedding.EmbeddingPs.Client;
using OpenEmbedding.EmbeddingPs.Initializers;
using OpenEmbedding.EmbeddingPs.Optimizers;
using OpenEmbedding.EmbeddingPs.Protocol;
using OpenEmbedding.EmbeddingPs.Tables;

namespace OpenEmbedding.EmbeddingPs.Tests.Server;

/// <summary>Rows, gradients and keys that travel in another form than they are stored in.</summary>
public class WireTests
{
    private static readonly TableOptions _table = new()
    {
        Name = "clicks",
        Kind = TableKind.Hash,
        Dimension = 3,
        Initializer = new ConstantOptions(),
        Optimizer = new SgdOptions { LearningRate = 1 },
    };

    [Theory]
    [InlineData(ElementType.BFloat16, null, KeyEncoding.None)]
    [InlineData(null, ElementType.BFloat16, KeyEncoding.None)]
    [InlineData(ElementType.Float16, ElementType.Float16, KeyEncoding.Lz4)]
    [InlineData(ElementType.BFloat16, ElementType.Float16, KeyEncoding.Lz4)]
    [InlineData(ElementType.Float32, ElementType.Float32, KeyEncoding.None)]
    [InlineData(null, null, KeyEncoding.Lz4)]
    public void OnlyWhatTravelsIsRounded(ElementType? pull, ElementType? push, KeyEncoding keys)
    {
        var wire = new WireOptions { Pull = pull, Push = push, Keys = keys };
        Gen.Int.Sample(
            seed =>
            {
                var random = new Random(seed);
                var tables = RandomJob.RandomTables(random);
                using var cluster = new PsCluster(trainers: 2, servers: 2, wire: wire);
                cluster.CreateTables(tables);
                using var job = new RandomJob(random, cluster.Trainers, tables, wire: wire);
                job.Run(steps: 8);
            },
            iter: 12,
            threads: 1);
    }

    [Theory]
    [InlineData(null, 232, 144)]
    [InlineData(ElementType.Float32, 232, 144)]
    [InlineData(ElementType.Float16, 200, 112)]
    [InlineData(ElementType.BFloat16, 200, 112)]
    public void TheTypeDecidesTheBytes(ElementType? type, long pulled, long pushed)
    {
        // Two keys: a header, 16 bytes of directory and 16 of keys; a header and 18 weights; a header, a ticket and 18 gradients.
        using var cluster = new PsCluster(trainers: 1, servers: 1, wire: new WireOptions { Pull = type, Push = type });
        cluster.CreateTables(_table with { Dimension = 9 });
        var store = cluster.Trainers[0];
        using var ticket = store.Begin(0, PullMode.Train, 0, store.Plan(TableKind.Hash, 1, 2));
        ticket.Wait();
        store.PushAll(0, ticket, 1, 18);
        Assert.Equal((pulled, pushed), (store.Traffic.PulledBytes, store.Traffic.PushedBytes));
    }

    [Fact]
    public void CompressedKeysAreFewerBytes()
    {
        long[] ids = [.. Enumerable.Range(0, 65536).Select(id => (long)id)];
        new Random(1).Shuffle(ids);
        ids = ids[..20_000];
        long PulledBytes(KeyEncoding keys)
        {
            using var cluster = new PsCluster(trainers: 1, servers: 1, wire: new WireOptions { Keys = keys }).CreateTables(_table);
            cluster.Trainers[0].Evaluate(0, _table, ids);
            return cluster.Trainers[0].Traffic.PulledBytes;
        }

        // Of 8 bytes a key 2 differ.
        Assert.InRange(PulledBytes(KeyEncoding.None) - PulledBytes(KeyEncoding.Lz4), 20_000 * 5.9, 20_000 * 6);
    }

    [Fact]
    public void WhatIsTooLargeForFloat16TravelsAsItsLargestNumberAndStaysWhatItIs()
    {
        var wire = new WireOptions { Pull = ElementType.Float16, Push = ElementType.Float16 };
        var table = _table with { Initializer = new ConstantOptions { Value = 1e6 } };
        using var cluster = new PsCluster(trainers: 1, servers: 1, wire: wire).CreateTables(table);
        var store = cluster.Trainers[0];
        Assert.Equal([65504, 65504, 65504], store.Evaluate(0, table, 7));
        store.Train(0, table, 100, 7);
        Assert.Equal([1e6f - 63.96875f, 1e6f - 63.96875f, 1e6f - 63.96875f], Stored(store));

        // A job that diverges shows it.
        store.Train(1, table, float.PositiveInfinity, 7);
        Assert.All(store.Evaluate(2, table, 7), weight => Assert.Equal(float.NegativeInfinity, weight));
        store.Train(2, table, float.NaN, 7);
        Assert.All(store.Evaluate(3, table, 7), weight => Assert.Equal(float.NaN, weight));
    }

    [Fact]
    public void SmallGradientsOfAMeanKeepTheirPrecisionInFloat16()
    {
        using var cluster = new PsCluster(trainers: 1, servers: 1, wire: new WireOptions { Push = ElementType.Float16 }).CreateTables(_table);
        var store = cluster.Trainers[0];
        store.Train(0, _table, 1e-7f, 7);
        Assert.All(Stored(store), weight => Assert.Equal(-1e-7f, weight, 1e-10f));
    }

    [Fact]
    public void FormatsThatDifferEndTheJob()
    {
        using var cluster = new PsCluster(trainers: 1, servers: 1, mayFail: true);
        using var other = new EmbeddingClient(cluster.Messenger[0], cluster.Layout, 0, new WireOptions { Pull = ElementType.BFloat16 });
        var error = Assert.Throws<PeerFailureException>(() => other.CreateTables([_table]));
        Assert.Equal(
            "Server on rank 1, CreateTables of rank 0 for step 0: rank 0 has WireOptions { Pull = BFloat16, Push = , Dense = , Keys = None }, "
            + "this rank has WireOptions { Pull = , Push = , Dense = , Keys = None }; every rank needs the same configuration.",
            error.Message);
        Assert.Equal(JobExitCode.Cluster, error.ExitCode);
    }

    private static float[] Stored(EmbeddingClient store)
    {
        var stored = new List<float>();
        store.ReadTable(0, (_, weights) => stored.AddRange(System.Runtime.InteropServices.MemoryMarshal.Cast<byte, float>(weights)));
        return [.. stored];
    }
}
