using OpenEmbedding.Trainer.Configuration;
using OpenEmbedding.Trainer.Export;

namespace OpenEmbedding.Trainer.Data;

/// <summary>Turns the raw values of categories into keys of embedding rows.</summary>
/// <remarks>
/// Both rules take the remainder that is never negative. So an empty field, −1, is the last key of the vocabulary with modulo; a value in
/// the file with the same remainder shares it, as any two such values do. With hash it is a key of its own in every column. The column
/// number is the place in <c>data.sparse</c>, from 1.
/// </remarks>
internal static class SparseKeys
{
    private const long ColumnStride = 1000000007;

    /// <summary>Maps values in place.</summary>
    /// <param name="values">Raw values, [rows, columns].</param>
    /// <param name="columns">The number of sparse columns.</param>
    /// <param name="rule">How.</param>
    /// <param name="vocabulary">Keys of the columns with <see cref="SparseIds.Modulo"/>.</param>
    public static void Map(Span<long> values, int columns, SparseIds rule, Vocabulary vocabulary)
    {
        if (rule == SparseIds.Hash)
        {
            Hash(values, columns);
        }
        else if (vocabulary.IsPerColumn)
        {
            Modulo(values, columns, vocabulary);
        }
        else
        {
            Modulo(values, vocabulary.Of(0));
        }
    }

    /// <summary>Says what <see cref="Map"/> computes, of values [n, columns].</summary>
    public static GraphValue Describe(ComputationGraph graph, GraphValue values, int columns, SparseIds rule, Vocabulary vocabulary)
    {
        if (rule == SparseIds.Modulo)
        {
            long[] sizes = vocabulary.IsPerColumn ? [.. Enumerable.Range(0, columns).Select(vocabulary.Of)] : [vocabulary.Of(0)];
            return graph.Remainder(values, graph.Integers("keys.vocabulary", sizes));
        }

        // Without the sign bit: of a negative number that is the number plus 2^63.
        GraphValue offsets = graph.Integers("keys.offsets", [.. Enumerable.Range(1, columns).Select(column => column * ColumnStride)]);
        GraphValue sums = graph.Add(values, offsets);
        return graph.Select(
            graph.Less(sums, graph.Integers("keys.zero", 0)), graph.Subtract(sums, graph.Integers("keys.sign", long.MinValue)), sums);
    }

    private static void Modulo(Span<long> values, long vocabulary)
    {
        // The remainder by a power of two is the low bits, for negative values too.
        bool isPowerOfTwo = (vocabulary & (vocabulary - 1)) == 0;
        for (int i = 0; i < values.Length; i++)
        {
            if (isPowerOfTwo)
            {
                values[i] &= vocabulary - 1;
            }
            else
            {
                long remainder = values[i] % vocabulary;
                values[i] = remainder + ((remainder >> 63) & vocabulary);
            }
        }
    }

    private static void Modulo(Span<long> values, int columns, Vocabulary vocabulary)
    {
        Span<long> sizes = stackalloc long[columns];
        for (int column = 0; column < columns; column++)
        {
            sizes[column] = vocabulary.Of(column);
        }

        for (int row = 0; row < values.Length; row += columns)
        {
            Span<long> fields = values.Slice(row, columns);
            for (int column = 0; column < fields.Length; column++)
            {
                // Data prepared for the vocabulary lie below it already, which costs no division.
                long size = sizes[column];
                if ((ulong)fields[column] >= (ulong)size)
                {
                    long remainder = fields[column] % size;
                    fields[column] = remainder + ((remainder >> 63) & size);
                }
            }
        }
    }

    private static void Hash(Span<long> values, int columns)
    {
        for (int row = 0; row < values.Length; row += columns)
        {
            Span<long> fields = values.Slice(row, columns);
            for (int column = 0; column < fields.Length; column++)
            {
                fields[column] = unchecked(fields[column] + ((column + 1) * ColumnStride)) & long.MaxValue;
            }
        }
    }
}
