using System.Runtime.InteropServices;
using OpenEmbedding.Collectives;
using OpenEmbedding.EmbeddingPs.Tables;

namespace OpenEmbedding.EmbeddingPs.Checkpoints;

/// <summary>Takes those rows of a file that belong to one table here.</summary>
/// <param name="table">The table.</param>
/// <param name="columns">The columns that the file has.</param>
/// <param name="savedType">The type of their elements.</param>
/// <param name="path">The file, for messages.</param>
internal sealed class RowTaker(EmbeddingTable table, RowColumn[] columns, ElementType savedType, string path)
{
    private readonly bool _converts = savedType != table.Options.ElementType;
    private readonly int _elementBytes = table.Options.ElementType.SizeOf();
    private readonly byte[][] _converted = new byte[columns.Length][];

    // Of a group of keys those that belong here, where they stand in the chunk, and their rows.
    private readonly long[] _keys = new long[EmbeddingTable.Group];
    private readonly int[] _places = new int[EmbeddingTable.Group];
    private readonly long[] _rows = new long[EmbeddingTable.Group];

    /// <summary>The first key that the table cannot have, one line; null without one. Such rows are left out.</summary>
    public string? KeyOutOfRange { get; private set; }

    /// <summary>Takes the rows of a chunk.</summary>
    /// <param name="count">Rows.</param>
    /// <param name="arrays">The keys, then the columns, as the file has them.</param>
    public void Take(int count, byte[][] arrays)
    {
        var keys = MemoryMarshal.Cast<byte, long>(arrays[0])[..count];
        byte[][] values = [.. columns.Select((column, i) => _converts && !column.IsCount ? Convert(i, count, arrays[i + 1]) : arrays[i + 1])];
        for (int start = 0; start < count; start += EmbeddingTable.Group)
        {
            int own = Select(keys, start);
            var rows = _rows.AsSpan(0, own);
            table.FindOrAdd(_keys.AsSpan(0, own), rows);
            table.ImportColumns(rows, columns, values, _places);
            table.Release(rows);
        }
    }

    private int Select(ReadOnlySpan<long> keys, int start)
    {
        ulong limit = table.KeyLimit;
        int own = 0;
        for (int i = start; i < Math.Min(keys.Length, start + EmbeddingTable.Group); i++)
        {
            if ((ulong)keys[i] >= limit)
            {
                KeyOutOfRange ??= $"{path}: table {table.Options.Name} has key {keys[i]}; allowed are 0 to {limit - 1}.";
            }
            else if (table.Owns(keys[i]))
            {
                _keys[own] = keys[i];
                _places[own++] = i;
            }
        }

        return own;
    }

    private byte[] Convert(int column, int count, byte[] source)
    {
        int elements = count * columns[column].Elements;
        if (_converted[column] is not { } converted || converted.Length < elements * _elementBytes)
        {
            converted = _converted[column] = new byte[elements * _elementBytes];
        }

        if (savedType == ElementType.Float32)
        {
            var from = MemoryMarshal.Cast<byte, float>(source);
            var to = MemoryMarshal.Cast<byte, double>(converted.AsSpan());
            for (int i = 0; i < elements; i++)
            {
                to[i] = from[i];
            }
        }
        else
        {
            var from = MemoryMarshal.Cast<byte, double>(source);
            var to = MemoryMarshal.Cast<byte, float>(converted.AsSpan());
            for (int i = 0; i < elements; i++)
            {
                to[i] = (float)from[i];
            }
        }

        return converted;
    }
}
