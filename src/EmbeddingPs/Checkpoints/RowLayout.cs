using OpenEmbedding.EmbeddingPs.Tables;

namespace OpenEmbedding.EmbeddingPs.Checkpoints;

/// <summary>Which parts of a table's rows go to a segment, and to which of its arrays.</summary>
internal sealed class RowLayout
{
    private readonly EmbeddingTable _table;
    private readonly RowColumn[] _columns;
    private readonly int[] _widths;
    private readonly int[] _before;

    /// <param name="table">The table.</param>
    /// <param name="slots">Whether slots are written, or weights alone.</param>
    /// <param name="firstArray">The number of the array of keys.</param>
    public RowLayout(EmbeddingTable table, bool slots, int firstArray)
    {
        _table = table;
        FirstArray = firstArray;
        _columns = slots ? table.Columns() : table.Columns()[..1];
        _widths = [.. _columns.Select(column => column.Bytes(table.Options.ElementType))];
        _before = [.. _widths.Select((_, i) => _widths[..i].Sum())];
        RowBytes = sizeof(long) + _widths.Sum();
    }

    /// <summary>The number of the array of keys; those of the columns follow.</summary>
    public int FirstArray { get; }

    /// <summary>Weights and slots.</summary>
    public int Columns => _columns.Length;

    /// <summary>Bytes of a row in the file, its key with them.</summary>
    public int RowBytes { get; }

    /// <summary>Where a column begins in a stored row.</summary>
    public int Offset(int column) => _columns[column].Offset;

    /// <summary>Bytes of a column of one row.</summary>
    public int Width(int column) => _widths[column];

    /// <summary>Bytes of the columns before one.</summary>
    public int BytesBefore(int column) => _before[column];

    /// <summary>The arrays of a number of rows.</summary>
    public IEnumerable<ArrayPlan> Arrays(long rows)
    {
        string name = $"table/{_table.Options.Name}";
        yield return new ArrayPlan($"{name}/keys", "I64", [rows], rows * sizeof(long));
        string element = Safetensors.TypeName(_table.Options.ElementType);
        for (int i = 0; i < Columns; i++)
        {
            yield return _columns[i].IsCount
                ? new ArrayPlan($"{name}/{_columns[i].Name}", "I32", [rows], rows * _widths[i])
                : new ArrayPlan($"{name}/{_columns[i].Name}", element, [rows, _columns[i].Elements], rows * _widths[i]);
        }
    }
}
