using OpenEmbedding.Trainer.Configuration;
using OpenEmbedding.Trainer.Export;

namespace OpenEmbedding.Trainer.Data;

/// <summary>Turns the raw values of categories into keys of embedding rows.</summary>
/// <remarks>
/// Both rules take the remainder that is never negative. So an empty field, −1, is the last key of the vocabulary with modulo; a value in
/// the file with the same remainder shares it, as any two such values do. With hash it is a key of its own in every column. The column
/// number is the place in <c>data.sparse</c>, from 1. Columns with the rows of another take that one's number and vocabulary. Empty slots of multi-hot columns stay so.
/// </remarks>
internal sealed class SparseKeys
{
    private const long ColumnStride = 1000000007;

    private readonly SparseIds _rule;

    // By slot: the number of keys with modulo, or what hash adds.
    private readonly long[] _numbers;
    private readonly bool[] _isMultiHot;
    private readonly bool _isUniform;

    /// <summary>Takes columns, rule and vocabulary from the options.</summary>
    public SparseKeys(DataOptions options)
        : this(options.Sparse, options.SparseIds, options.Vocabulary)
    {
    }

    /// <summary>Takes columns, rule, and the number of keys of the columns with <see cref="SparseIds.Modulo"/>.</summary>
    public SparseKeys(IReadOnlyList<SparseColumn> columns, SparseIds rule, Vocabulary vocabulary)
    {
        Slots = new SparseSlots(columns);
        _rule = rule;
        _numbers = new long[Slots.Count];
        _isMultiHot = new bool[Slots.Count];
        for (int slot = 0; slot < _numbers.Length; slot++)
        {
            int column = Slots.ColumnOf(slot);
            int owner = Slots.OwnerOf(column);
            _numbers[slot] = _rule == SparseIds.Hash ? (owner + 1) * ColumnStride : vocabulary.Of(owner);
            _isMultiHot[slot] = Slots.WidthOf(column) > 1;
        }

        _isUniform = _rule == SparseIds.Modulo && !vocabulary.IsPerColumn && !Slots.IsMultiHot;
    }

    /// <summary>Where the categories lie in a row.</summary>
    public SparseSlots Slots { get; }

    /// <summary>Maps values in place.</summary>
    /// <param name="values">Raw values, [rows, slots].</param>
    public void Map(Span<long> values)
    {
        if (_isUniform)
        {
            Modulo(values, _numbers[0]);
            return;
        }

        for (int row = 0; row < values.Length; row += _numbers.Length)
        {
            Span<long> fields = values.Slice(row, _numbers.Length);
            if (_rule == SparseIds.Hash)
            {
                Hash(fields);
            }
            else
            {
                Modulo(fields);
            }
        }
    }

    /// <summary>Says what <see cref="Map"/> computes, of values [n, slots]; of empty slots of multi-hot columns it makes any key.</summary>
    public GraphValue Describe(ComputationGraph graph, GraphValue values)
    {
        if (_rule == SparseIds.Modulo)
        {
            return graph.Remainder(values, graph.Integers("keys.vocabulary", _isUniform ? [_numbers[0]] : _numbers));
        }

        // Without the sign bit: of a negative number that is the number plus 2^63.
        GraphValue offsets = graph.Integers("keys.offsets", _numbers);
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

    private void Modulo(Span<long> fields)
    {
        ReadOnlySpan<long> sizes = _numbers.AsSpan(0, fields.Length);
        for (int slot = 0; slot < fields.Length; slot++)
        {
            // Data prepared for the vocabulary lie below it already, which costs no division.
            long size = sizes[slot];
            if ((ulong)fields[slot] >= (ulong)size && !IsEmpty(slot, fields))
            {
                long remainder = fields[slot] % size;
                fields[slot] = remainder + ((remainder >> 63) & size);
            }
        }
    }

    private void Hash(Span<long> fields)
    {
        ReadOnlySpan<long> offsets = _numbers.AsSpan(0, fields.Length);
        for (int slot = 0; slot < fields.Length; slot++)
        {
            if (!IsEmpty(slot, fields))
            {
                fields[slot] = unchecked(fields[slot] + offsets[slot]) & long.MaxValue;
            }
        }
    }

    private bool IsEmpty(int slot, ReadOnlySpan<long> fields) => _isMultiHot[slot] && fields[slot] == SparseSlots.Empty;
}
