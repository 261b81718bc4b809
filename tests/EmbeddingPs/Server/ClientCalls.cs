using OpenEmbedding.EmbeddingPs.Client;
using OpenEmbedding.EmbeddingPs.Tables;
using OpenEmbedding.EmbeddingPs.Tests.Tables;

namespace OpenEmbedding.EmbeddingPs.Tests.Server;

/// <summary>The calls of a store with managed arrays of float32.</summary>
internal static class ClientCalls
{
    public static KeyBatch Plan(this IEmbeddingStore store, TableKind kind, params long[] ids)
    {
        var keys = new KeyBatch();
        keys.Plan(ids, kind, store.Shards);
        return keys;
    }

    /// <summary>Pulls keys of one table; without waiting.</summary>
    public static PullTicket Begin(this IEmbeddingStore store, long step, PullMode mode, int table, KeyBatch keys) =>
        store.BeginPull(step, mode, [new PullSection(keys, [table])]);

    /// <summary>The first table's rows of the first section, by id.</summary>
    public static float[] Rows(this PullTicket ticket, KeyBatch keys, int dimension)
    {
        using var rows = new NativeArray<float>(keys.Count * dimension);
        ticket.CopyRows(0, 0, rows.Address);
        var byId = new List<float>();
        foreach (long position in keys.Positions)
        {
            byId.AddRange(rows.Span.Slice((int)position * dimension, dimension));
        }

        return [.. byId];
    }

    /// <summary>Pulls, waits and gives the rows by id.</summary>
    public static float[] Evaluate(this IEmbeddingStore store, long step, TableOptions table, params long[] ids)
    {
        var keys = store.Plan(table.Kind, ids);
        using var ticket = store.Begin(step, PullMode.Evaluate, 0, keys);
        return ticket.Rows(keys, table.Dimension);
    }

    /// <summary>Pulls keys of the first table, and pushes the same gradient for each of their weights.</summary>
    public static void Train(this IEmbeddingStore store, long step, TableOptions table, float gradient, params long[] ids)
    {
        var keys = store.Plan(table.Kind, ids);
        using var ticket = store.Begin(step, PullMode.Train, 0, keys);
        ticket.Wait();
        store.PushAll(step, ticket, gradient, keys.Count * table.Dimension);
    }

    /// <summary>Pushes the same gradient for all weights of a pull of one table.</summary>
    public static void PushAll(this IEmbeddingStore store, long step, PullTicket ticket, float gradient, int count)
    {
        using var gradients = new NativeArray<float>(count);
        gradients.Span.Fill(gradient);
        store.Push(step, [new GradientBlock(ticket, [[gradients.Address]])]);
    }
}
