using OpenEmbedding.EmbeddingPs.Client;
using OpenEmbedding.EmbeddingPs.Tables;
using OpenEmbedding.EmbeddingPs.Tests.Tables;

namespace OpenEmbedding.EmbeddingPs.Tests.Server;

public class StatisticsTests
{
    private static readonly TableOptions _wide = new() { Name = "wide", Vocabulary = 100, Dimension = 1 };
    private static readonly TableOptions _deep = new() { Name = "deep", Vocabulary = 100, Dimension = 8 };

    [Fact]
    public void EveryTableAndServerTellsWhatItHoldsAndWhatItWasAsked()
    {
        using var cluster = new PsCluster(trainers: 2, servers: 2).CreateTables(_wide, _deep);
        using var gradients = new NativeArray<float>(8 * 4);
        foreach (var store in cluster.Trainers)
        {
            // Keys 0, 2, 4 and 5: three of them of the first server.
            var keys = store.Plan(TableKind.Array, 0, 2, 4, 5, 5);
            using var ticket = store.BeginPull(0, PullMode.Train, [new PullSection(keys, [0, 1])]);
            store.Push(0, [new GradientBlock(ticket, [[gradients.Address, gradients.Address]])]);
        }

        cluster.Trainers[0].Evaluate(1, _wide, 0, 1);
        var statistics = cluster.Trainers[1].GetStatistics();
        Assert.Equal(["wide", "wide", "deep", "deep"], statistics.Select(table => table.Name));
        Assert.Equal([0, 0, 1, 1], statistics.Select(table => table.Table));
        Assert.Equal([2, 3, 2, 3], statistics.Select(table => table.ServerRank));
        Assert.Equal([3, 1, 3, 1], statistics.Select(table => table.Rows));
        Assert.Equal([3, 3, 2, 2], statistics.Select(table => table.Pulls));
        Assert.Equal([7, 3, 6, 2], statistics.Select(table => table.KeysPulled));
        Assert.Equal([2, 2, 2, 2], statistics.Select(table => table.Pushes));
        Assert.Equal([6, 2, 6, 2], statistics.Select(table => table.KeysPushed));
        Assert.All(statistics, table => Assert.True(table.MemoryBytes > 0));
    }

    [Fact]
    public void TrafficCountsTheBytesOfMessages()
    {
        using var cluster = new PsCluster(trainers: 1, servers: 1).CreateTables(_deep);
        var store = cluster.Trainers[0];
        Assert.Equal(new TrafficCounters(0, 0), store.Traffic);
        store.Train(0, _deep, 1, 5, 5, 6);

        // Request: header, directory, two keys; answer: header, rows. Push: header, ticket, gradients.
        Assert.Equal(new TrafficCounters((64 + 16 + 16) + (64 + 64), 64 + 8 + 64), store.Traffic);
    }

    [Fact]
    public void ATableLargerThanAMessageIsReadInChunks()
    {
        var table = new TableOptions { Name = "large", Kind = TableKind.Hash, Dimension = 64 };
        using var cluster = new PsCluster(trainers: 1, servers: 2).CreateTables(table);
        var store = cluster.Trainers[0];
        const int Rows = 50_000;
        var keys = store.Plan(table.Kind, [.. Enumerable.Range(0, Rows).Select(i => (long)i)]);
        using var ticket = store.Begin(0, PullMode.Train, 0, keys);
        ticket.Wait();
        store.Push(0, []);
        var read = new HashSet<long>();
        int chunks = 0;
        store.ReadTable(0, (chunk, weights) =>
        {
            chunks++;
            Assert.Equal(chunk.Length * 64 * sizeof(float), weights.Length);
            Assert.All(chunk, key => Assert.True(read.Add(key)));
        });
        Assert.Equal(Rows, read.Count);
        Assert.InRange(chunks, 3, 10);
    }
}
