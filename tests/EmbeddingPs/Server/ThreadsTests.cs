using OpenEmbedding.Collectives;
using OpenEmbedding.EmbeddingPs.Client;
using OpenEmbedding.EmbeddingPs.Initializers;
using OpenEmbedding.EmbeddingPs.Optimizers;
using OpenEmbedding.EmbeddingPs.Protocol;
using OpenEmbedding.EmbeddingPs.Tables;
using OpenEmbedding.EmbeddingPs.Tests.Tables;

namespace OpenEmbedding.EmbeddingPs.Tests.Server;

/// <summary>Servers that work on the tables of a request with several threads.</summary>
public class ThreadsTests
{
    private const int Keys = 4000;
    private const int Trainers = 2;

    [Theory]
    [InlineData(TableKind.Array, null)]
    [InlineData(TableKind.Hash, null)]
    [InlineData(TableKind.Hash, ElementType.Float16)]
    public void TheirNumberDoesNotChangeABit(TableKind kind, ElementType? wire)
    {
        float[] one = Train(kind, wire, threads: 1);

        Assert.Equal(one, Train(kind, wire, threads: 4));
        Assert.NotEqual(one, Train(kind, wire, threads: 1, steps: 2));
    }

    private static TableOptions[] Tables(TableKind kind) =>
    [
        .. Enumerable.Range(0, 6).Select(table => new TableOptions
        {
            Name = $"table-{table}",
            Kind = kind,
            Vocabulary = kind == TableKind.Array ? 2 * Keys : 0,
            Dimension = 1 + (4 * table),
            Initializer = new RandomNormalOptions(),
            Optimizer = new AdamOptions(),
        }),
    ];

    private static IEnumerable<PullSection> SectionsOf(KeyBatch keys) => Enumerable.Range(0, 6).Select(table => new PullSection(keys, [table]));

    /// <summary>The rows of all tables behind some steps of two trainers that have half of their keys in common.</summary>
    private static float[] Train(TableKind kind, ElementType? wire, int threads, int steps = 3)
    {
        using var cluster = new PsCluster(Trainers, servers: 1, wire: new WireOptions { Pull = wire, Push = wire }, threads: threads);
        var tables = Tables(kind);
        cluster.CreateTables(tables);
        for (int step = 0; step < steps; step++)
        {
            var tickets = cluster.Trainers.Select((store, trainer) => store.BeginPull(step, PullMode.Train, [.. SectionsOf(KeysOf(store, kind, trainer))])).ToArray();
            for (int trainer = 0; trainer < Trainers; trainer++)
            {
                tickets[trainer].Wait();
                NativeArray<float>[] gradients = [.. tables.Select(table => Gradients(table, step, trainer))];
                cluster.Trainers[trainer].Push(step, [new GradientBlock(tickets[trainer], [.. gradients.Select(gradient => new[] { gradient.Address })])]);
                Array.ForEach(gradients, gradient => gradient.Dispose());
            }

            Array.ForEach(tickets, ticket => ticket.Dispose());
        }

        var reader = cluster.Trainers[0];
        var all = KeysOf(reader, kind, 0);
        using var rows = reader.BeginPull(steps, PullMode.Evaluate, [.. SectionsOf(all)]);
        return [.. tables.SelectMany((table, section) => Read(rows, section, Keys * table.Dimension))];
    }

    private static KeyBatch KeysOf(IEmbeddingStore store, TableKind kind, int trainer) =>
        store.Plan(kind, [.. Enumerable.Range(trainer * Keys / 2, Keys).Select(key => (long)key)]);

    private static NativeArray<float> Gradients(TableOptions table, int step, int trainer)
    {
        var gradients = new NativeArray<float>(Keys * table.Dimension);
        var random = new Random((step * Trainers) + trainer);
        foreach (ref float gradient in gradients.Span)
        {
            gradient = random.NextSingle() - 0.5f;
        }

        return gradients;
    }

    private static float[] Read(PullTicket ticket, int section, int numbers)
    {
        using var rows = new NativeArray<float>(numbers);
        ticket.CopyRows(section, 0, rows.Address);
        return rows.Span.ToArray();
    }
}
