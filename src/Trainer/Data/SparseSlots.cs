using System.Text;
using OpenEmbedding.Trainer.Configuration;
using OpenEmbedding.Trainer.Export;

namespace OpenEmbedding.Trainer.Data;

/// <summary>
/// Where the categories of the sparse columns lie in a row: one slot for each column, <c>max_length</c> of them for a multi-hot one. Slots of a multi-hot column that
/// a row does not need hold <see cref="Empty"/>, behind those that it needs.
/// </summary>
public sealed class SparseSlots
{
    /// <summary>What an empty slot holds, raw and as a key: −1.</summary>
    public const long Empty = RowFile.EmptyCategory;

    private readonly SparseColumn[] _columns;
    private readonly int[] _first;
    private readonly int[] _columnOf;
    private readonly byte[][] _separators;
    private readonly long[] _defaults;

    /// <summary>Deals slots in the order of the columns.</summary>
    public SparseSlots(IReadOnlyList<SparseColumn> columns)
    {
        _columns = [.. columns];
        _first = new int[_columns.Length];
        for (int column = 1; column < _first.Length; column++)
        {
            _first[column] = _first[column - 1] + _columns[column - 1].MaxLength;
        }

        _columnOf = [.. _columns.SelectMany((column, i) => Enumerable.Repeat(i, column.MaxLength))];
        _separators = [.. _columns.Select(column => Encoding.UTF8.GetBytes(column.Separator))];
        _defaults = [.. _columns.Select(column => column.Default is { } text ? Categories.Of(text) : Empty)];
        HasDefaults = _defaults.Any(category => category != Empty);
        IsMultiHot = _columns.Any(column => column.IsMultiHot);
    }

    private delegate long CategoryOf<T>(ReadOnlySpan<T> text);

    /// <summary>The number of slots of a row, S.</summary>
    public int Count => _columnOf.Length;

    /// <summary>The number of columns, F.</summary>
    public int Columns => _columns.Length;

    /// <summary>Whether a column has several slots.</summary>
    public bool IsMultiHot { get; }

    /// <summary>Whether an empty field of a column stands for a category.</summary>
    public bool HasDefaults { get; }

    /// <summary>The category that an empty field of a column stands for, or <see cref="Empty"/>.</summary>
    public long DefaultOf(int column) => _defaults[column];

    /// <summary>The first slot of a column.</summary>
    public int FirstOf(int column) => _first[column];

    /// <summary>The number of slots of a column.</summary>
    public int WidthOf(int column) => _columns[column].MaxLength;

    /// <summary>How a column's embeddings become one.</summary>
    public Combiner CombinerOf(int column) => _columns[column].Combiner;

    /// <summary>The column of a slot.</summary>
    public int ColumnOf(int slot) => _columnOf[slot];

    /// <summary>The column whose rows a column uses, mostly itself.</summary>
    public int OwnerOf(int column) => _columns[column].Table is { } table ? Array.FindIndex(_columns, other => other.Name == table) : column;

    /// <summary>Puts the default of each column whose field is empty there.</summary>
    /// <param name="row">The raw values of a row, [S].</param>
    internal void FillDefaults(Span<long> row)
    {
        for (int column = 0; column < _defaults.Length; column++)
        {
            ref long first = ref row[_first[column]];
            first = first == Empty ? _defaults[column] : first;
        }
    }

    /// <summary>Says what <see cref="FillDefaults"/> does, of raw values [n, S].</summary>
    internal GraphValue DescribeDefaults(ComputationGraph graph, GraphValue values)
    {
        if (!HasDefaults)
        {
            return values;
        }

        long[] defaults = [.. Enumerable.Range(0, Count).Select(slot => slot == _first[_columnOf[slot]] ? _defaults[_columnOf[slot]] : Empty)];
        GraphValue isUsed = DescribeUse(graph, values);
        GraphValue isEmpty = graph.Subtract(graph.Integers("defaults.one", 1), isUsed);
        return graph.Add(graph.Multiply(values, isUsed), graph.Multiply(graph.Integers("defaults", defaults), isEmpty));
    }

    /// <summary>Describes 0 for an empty slot and 1 for any other, of raw values.</summary>
    internal static GraphValue DescribeUse(ComputationGraph graph, GraphValue values) =>
        graph.Absolute(graph.Sign(graph.Subtract(values, graph.Integers("slots.empty", Empty))));

    /// <summary>Copies the keys of some slots, row by row, without empty ones.</summary>
    /// <param name="ids">[rows, S].</param>
    /// <param name="slots">Some slots, from the lowest on.</param>
    /// <param name="keys">Takes the keys, at most [rows, slots].</param>
    /// <returns>How many there are.</returns>
    internal int CopyKeys(ReadOnlySpan<long> ids, ReadOnlySpan<int> slots, Span<long> keys)
    {
        int copied = 0;
        for (int row = 0; row < ids.Length; row += Count)
        {
            foreach (int slot in slots)
            {
                if (ids[row + slot] is not Empty and var key)
                {
                    keys[copied++] = key;
                }
            }
        }

        return copied;
    }

    /// <summary>Fills the slots of a column from a field of text.</summary>
    /// <param name="column">The column.</param>
    /// <param name="field">Its field.</param>
    /// <param name="slots">Takes the categories, [slots of the column].</param>
    internal void Fill(int column, ReadOnlySpan<char> field, Span<long> slots)
    {
        if (slots.Length == 1)
        {
            slots[0] = Categories.Of(field);
        }
        else
        {
            Fill(field, _columns[column].Separator, slots, Categories.Of);
        }
    }

    /// <summary>As <see cref="Fill(int, ReadOnlySpan{char}, Span{long})"/>, of text in UTF-8.</summary>
    internal void Fill(int column, ReadOnlySpan<byte> utf8, Span<long> slots)
    {
        if (slots.Length == 1)
        {
            slots[0] = Categories.Of(utf8);
        }
        else
        {
            Fill(utf8, _separators[column], slots, Categories.Of);
        }
    }

    /// <summary>
    /// Puts a category into the slots of a column, which were empty at first: where there are several behind those before, one too many and an empty one left out; else in place of the
    /// one before.
    /// </summary>
    internal static void Take(long category, Span<long> slots)
    {
        int place = slots.Length > 1 ? slots.IndexOf(Empty) : 0;
        if (place >= 0)
        {
            slots[place] = category;
        }
    }

    /// <summary>The slots of a column.</summary>
    internal Span<long> SlotsOf(int column, Span<long> row) => row.Slice(_first[column], _columns[column].MaxLength);

    private static void Fill<T>(ReadOnlySpan<T> field, ReadOnlySpan<T> separator, Span<long> slots, CategoryOf<T> categoryOf)
        where T : IEquatable<T>
    {
        slots.Fill(Empty);
        int next = 0;
        foreach (Range part in field.Split(separator))
        {
            long category = categoryOf(field[part]);
            if (category != Empty && next < slots.Length)
            {
                slots[next++] = category;
            }
        }
    }
}
