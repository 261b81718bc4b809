using OpenEmbedding.EmbeddingPs.Tables;

namespace OpenEmbedding.EmbeddingPs.Tests.Tables;

/// <summary>The calls of a float32 table with managed arrays.</summary>
internal static class TableCalls
{
    public static long[] FindOrAdd(this EmbeddingTable table, params long[] keys)
    {
        var rows = new long[keys.Length];
        table.FindOrAdd(keys, rows);
        return rows;
    }

    public static long[] Find(this EmbeddingTable table, params long[] keys)
    {
        var rows = new long[keys.Length];
        table.Find(keys, rows);
        return rows;
    }

    public static float[] Gather(this EmbeddingTable table, params long[] rows)
    {
        using var weights = new NativeArray<float>(rows.Length * table.Options.Dimension);
        table.Gather(rows, weights.Address);
        return weights.Span.ToArray();
    }

    public static float[] Read(this EmbeddingTable table, params long[] keys)
    {
        using var weights = new NativeArray<float>(keys.Length * table.Options.Dimension);
        table.Read(keys, weights.Address);
        return weights.Span.ToArray();
    }

    public static void Apply(this EmbeddingTable table, long[] rows, float[] gradients)
    {
        using var native = new NativeArray<float>(gradients);
        table.Apply(rows, native.Address);
    }

    /// <summary>Every stored row; a key met twice fails.</summary>
    public static SortedDictionary<long, float[]> ScanAll(this EmbeddingTable table, int atOnce)
    {
        int dimension = table.Options.Dimension;
        var stored = new SortedDictionary<long, float[]>();
        var keys = new long[atOnce];
        using var weights = new NativeArray<float>(atOnce * dimension);
        for (long cursor = 0; cursor >= 0;)
        {
            cursor = table.Scan(cursor, keys, weights.Address, out int count);
            for (int i = 0; i < count; i++)
            {
                stored.Add(keys[i], weights.Span.Slice(i * dimension, dimension).ToArray());
            }
        }

        return stored;
    }
}
