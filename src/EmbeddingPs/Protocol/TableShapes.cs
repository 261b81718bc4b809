using OpenEmbedding.Collectives;
using OpenEmbedding.EmbeddingPs.Tables;

namespace OpenEmbedding.EmbeddingPs.Protocol;

/// <summary>The tables of a job, and how long their rows are in messages.</summary>
internal sealed class TableShapes
{
    private readonly int[] _rowBytes;

    /// <summary>Takes the tables in the order of their creation.</summary>
    /// <exception cref="OpenEmbeddingException">There is none, or two have the same name.</exception>
    public TableShapes(IReadOnlyList<TableOptions> tables)
    {
        if (tables.Count == 0)
        {
            throw new OpenEmbeddingException("There are no embedding tables; at least one is needed.", JobExitCode.Configuration);
        }

        if (tables.GroupBy(table => table.Name).FirstOrDefault(name => name.Count() > 1) is { } twice)
        {
            throw new OpenEmbeddingException($"Table {twice.Key}: {twice.Count()} tables have this name; names are unique.", JobExitCode.Configuration);
        }

        Tables = [.. tables];
        _rowBytes = [.. tables.Select(table => table.Dimension * (table.ElementType == ElementType.Float64 ? sizeof(double) : sizeof(float)))];
    }

    /// <summary>What defines each table.</summary>
    public IReadOnlyList<TableOptions> Tables { get; }

    /// <summary>The number of tables.</summary>
    public int Count => _rowBytes.Length;

    /// <summary>Bytes of a row's weights or gradients.</summary>
    public int RowBytes(int table) => _rowBytes[table];

    /// <summary>Bytes of the weights or gradients of some keys in a message.</summary>
    public long BlockBytes(int table, int keys) => Envelope.Align((long)keys * _rowBytes[table]);
}
