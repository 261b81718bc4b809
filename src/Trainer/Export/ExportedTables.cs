using OpenEmbedding.Collectives;
using OpenEmbedding.EmbeddingPs.Client;
using OpenEmbedding.EmbeddingPs.Initializers;
using OpenEmbedding.EmbeddingPs.Tables;
using OpenEmbedding.Trainer.Data;
using OpenEmbedding.Trainer.Training;

namespace OpenEmbedding.Trainer.Export;

/// <summary>
/// The rows of a job's tables as arrays: one for the linear weights, one for the embeddings, those of them that the model has. Array tables follow each other in
/// the order of the columns, with the initial values of rows never trained; the rows of hash tables are sorted by key, and one more is for all other keys.
/// </summary>
/// <remarks>Keys of hash tables are held in memory, rows are not.</remarks>
internal sealed class ExportedTables
{
    private readonly TableLayout _layout;
    private readonly PulledRows _rows;
    private readonly long[] _keys;

    /// <summary>Reads the keys of hash tables; on one trainer, between two steps.</summary>
    /// <param name="layout">The tables.</param>
    /// <param name="store">Where their rows are.</param>
    /// <param name="step">The number of the next step.</param>
    public ExportedTables(TableLayout layout, IEmbeddingStore store, long step)
    {
        _layout = layout;
        _rows = new PulledRows(store, step);
        _keys = layout.Kind == TableKind.Hash ? StoredKeys(layout, store) : [];
    }

    /// <summary>The type of all weights.</summary>
    public ElementType Type => _layout.Tables[0].ElementType;

    /// <summary>The rows of each array.</summary>
    public long RowCount => _layout.Kind == TableKind.Hash ? _keys.Length + 1 : _layout.Sections.Sum(tables => _layout.Tables[tables[0]].Vocabulary);

    /// <summary>Says which rows the raw values [n, slots] have.</summary>
    /// <returns>Linear weights [n, columns, 1] and embeddings [n, columns, dimension]; null where the model has none.</returns>
    public (GraphValue? Linear, GraphValue? Embeddings) Describe(ComputationGraph graph, GraphValue values, SparseKeys rules)
    {
        values = rules.Slots.DescribeDefaults(graph, values);
        GraphValue keys = rules.Describe(graph, values);
        GraphValue rows = _layout.Kind == TableKind.Hash ? DescribeFind(graph, keys) : graph.Add(keys, graph.Integers("table.first_rows", FirstRows()));
        return (Of("table.linear", _layout.LinearRole), Of("table.embedding", _layout.EmbeddingRole));

        GraphValue? Of(string name, int? role)
        {
            if (role is not { } table)
            {
                return null;
            }

            GraphValue ofSlots = graph.Rows(graph.Array(Role(name, table)), rows);
            return _layout.Slots.IsMultiHot ? PooledRows.Describe(graph, ofSlots, values, _layout.DimensionOf(table), _layout.Slots) : ofSlots;
        }
    }

    /// <summary>The weight that a key never seen has on average: initial values are drawn by key.</summary>
    internal static double MeanOf(InitializerOptions initializer) => initializer switch
    {
        ConstantOptions constant => constant.Value,
        RandomNormalOptions normal => normal.Mean,
        TruncatedNormalOptions normal => normal.Mean,
        RandomUniformOptions uniform => (uniform.Minimum + uniform.Maximum) / 2,
        _ => throw new ArgumentOutOfRangeException(nameof(initializer), initializer, "not an initializer"),
    };

    private static long[] StoredKeys(TableLayout layout, IEmbeddingStore store)
    {
        var keys = new SortedKeys();
        for (int table = 0; table < layout.Tables.Count; table++)
        {
            // A table whose growth is bounded may have let a key go that the other one has.
            store.ReadTable(table, (some, _) => keys.Add(some));
            keys.Merge();
        }

        return keys.ToArray();
    }

    // A table without any row has no list to look in: all keys are in the one row.
    private GraphValue DescribeFind(ComputationGraph graph, GraphValue keys) =>
        _keys.Length > 0 ? graph.Find(keys, _keys) : graph.Multiply(keys, graph.Integers("table.no_row", 0));

    private long[] FirstRows()
    {
        long[] ofSections = new long[_layout.Sections.Length];
        for (int section = 1; section < ofSections.Length; section++)
        {
            ofSections[section] = ofSections[section - 1] + _layout.Tables[_layout.Sections[section - 1][0]].Vocabulary;
        }

        return [.. Enumerable.Range(0, _layout.Slots.Count).Select(slot => ofSections[_layout.SectionOf(slot)])];
    }

    private ExportArray Role(string name, int role) =>
        new(name, Type, [RowCount, _layout.DimensionOf(role)], stream => Write(stream, role));

    private void Write(Stream stream, int role)
    {
        foreach (int[] tables in _layout.Sections)
        {
            TableOptions table = _layout.Tables[tables[role]];
            if (table.Kind == TableKind.Hash)
            {
                _rows.Write(stream, tables[role], table, table.Dimension, _keys.LongLength, (first, keys) => _keys.AsSpan((int)first, keys.Length).CopyTo(keys));
                WriteMean(stream, table);
            }
            else
            {
                _rows.Write(stream, tables[role], table, _layout.DimensionOf(role), table.Vocabulary, FillWithNumbers);
            }
        }
    }

    private static void FillWithNumbers(long first, Span<long> keys)
    {
        for (int i = 0; i < keys.Length; i++)
        {
            keys[i] = first + i;
        }
    }

    private static void WriteMean(Stream stream, TableOptions table)
    {
        double mean = MeanOf(table.Initializer);
        byte[] weight = table.ElementType == ElementType.Float64 ? BitConverter.GetBytes(mean) : BitConverter.GetBytes((float)mean);
        for (int i = 0; i < table.Dimension; i++)
        {
            stream.Write(weight);
        }
    }
}
