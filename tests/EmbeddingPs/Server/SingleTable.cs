using System.Numerics;
using System.Runtime.InteropServices;
using OpenEmbedding.EmbeddingPs.Tables;
using OpenEmbedding.EmbeddingPs.Tests.Tables;

namespace OpenEmbedding.EmbeddingPs.Tests.Server;

/// <summary>The reference: one whole table in this process; gradients of a step are summed by key in plain code and applied once.</summary>
internal abstract class SingleTable : IDisposable
{
    protected SingleTable(TableOptions options)
    {
        Table = EmbeddingTable.Create(options, 0, 1);
        RowBytes = options.Dimension * (options.ElementType == Collectives.ElementType.Float64 ? sizeof(double) : sizeof(float));
    }

    public EmbeddingTable Table { get; }

    public int RowBytes { get; }

    public static SingleTable Create(TableOptions options) =>
        options.ElementType == Collectives.ElementType.Float64 ? new SingleTable<double>(options) : new SingleTable<float>(options);

    /// <summary>The weights of keys as bytes; nothing is stored.</summary>
    public byte[] Read(ReadOnlySpan<long> keys)
    {
        using var weights = new NativeArray<byte>(keys.Length * RowBytes);
        Table.Read(keys, weights.Address);
        return weights.Span.ToArray();
    }

    /// <summary>Every stored row as bytes.</summary>
    public SortedDictionary<long, byte[]> Stored()
    {
        var stored = new SortedDictionary<long, byte[]>();
        var keys = new long[16];
        using var weights = new NativeArray<byte>(keys.Length * RowBytes);
        for (long cursor = 0; cursor >= 0;)
        {
            cursor = Table.Scan(cursor, keys, weights.Address, out int count);
            for (int i = 0; i < count; i++)
            {
                stored.Add(keys[i], weights.Span.Slice(i * RowBytes, RowBytes).ToArray());
            }
        }

        return stored;
    }

    /// <summary>Gives keys rows.</summary>
    public void Add(ReadOnlySpan<long> keys) => Table.FindOrAdd(keys, new long[keys.Length]);

    /// <summary>Random gradients of keys as bytes.</summary>
    /// <param name="random">What decides.</param>
    /// <param name="keys">The number of keys.</param>
    /// <param name="exactSums">Whether they are multiples of 1/64, some of them 0, so that their sum does not depend on the order.</param>
    public abstract byte[] RandomGradients(Random random, int keys, bool exactSums);

    /// <summary>Adds the gradients of one source to the sums of the step.</summary>
    public abstract void Sum(ReadOnlySpan<long> keys, byte[] gradients);

    /// <summary>Updates every row that has a sum.</summary>
    public abstract void Apply();

    public void Dispose() => Table.Dispose();
}

internal sealed class SingleTable<T>(TableOptions options) : SingleTable(options)
    where T : unmanaged, IFloatingPoint<T>
{
    private readonly Dictionary<long, T[]> _sums = [];

    public override byte[] RandomGradients(Random random, int keys, bool exactSums)
    {
        var values = new T[keys * Table.Options.Dimension];
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = exactSums ? T.CreateTruncating(random.Next(-32, 32) / 64.0) : T.CreateTruncating(random.NextDouble() - 0.5);
        }

        return MemoryMarshal.AsBytes(values.AsSpan()).ToArray();
    }

    public override void Sum(ReadOnlySpan<long> keys, byte[] gradients)
    {
        var values = MemoryMarshal.Cast<byte, T>(gradients);
        int dimension = Table.Options.Dimension;
        for (int i = 0; i < keys.Length; i++)
        {
            var row = values.Slice(i * dimension, dimension);
            if (!_sums.TryGetValue(keys[i], out var sum))
            {
                _sums[keys[i]] = row.ToArray();
                continue;
            }

            for (int j = 0; j < dimension; j++)
            {
                sum[j] += row[j];
            }
        }
    }

    public override void Apply()
    {
        long[] keys = [.. _sums.Keys];
        var rows = new long[keys.Length];
        Table.FindOrAdd(keys, rows);
        using var gradients = new NativeArray<T>(_sums.Values.SelectMany(sum => sum).ToArray());
        Table.Apply(rows, gradients.Address);
        _sums.Clear();
    }
}
