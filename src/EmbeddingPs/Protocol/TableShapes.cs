using OpenEmbedding.Collectives;
using OpenEmbedding.EmbeddingPs.Tables;

namespace OpenEmbedding.EmbeddingPs.Protocol;

/// <summary>The tables of a job, and how long their rows are in messages.</summary>
internal sealed class TableShapes
{
    private readonly int[] _rowBytes;
    private readonly WireFormat[] _rowFormats;
    private readonly WireFormat[] _gradientFormats;

    /// <summary>Takes the tables in the order of their creation.</summary>
    /// <param name="tables">What defines each table.</param>
    /// <param name="wire">How their rows and gradients travel.</param>
    /// <exception cref="OpenEmbeddingException">There is none, or two have the same name.</exception>
    public TableShapes(IReadOnlyList<TableOptions> tables, WireOptions wire)
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
        _rowBytes = [.. tables.Select(table => table.Dimension * table.ElementType.SizeOf())];
        _rowFormats = [.. tables.Select(table => WireFormat.OfWeights(table.ElementType, wire.Pull))];
        _gradientFormats = [.. tables.Select(table => WireFormat.OfGradients(table.ElementType, wire.Push))];
    }

    /// <summary>What defines each table.</summary>
    public IReadOnlyList<TableOptions> Tables { get; }

    /// <summary>The number of tables.</summary>
    public int Count => _rowBytes.Length;

    /// <summary>Bytes of a row's weights or gradients in memory.</summary>
    public int RowBytes(int table) => _rowBytes[table];

    /// <summary>The numbers in the rows of some keys.</summary>
    public long Numbers(int table, int keys) => (long)keys * Tables[table].Dimension;

    /// <summary>How weights travel.</summary>
    public WireFormat RowFormat(int table) => _rowFormats[table];

    /// <summary>How gradients travel.</summary>
    public WireFormat GradientFormat(int table) => _gradientFormats[table];

    /// <summary>Bytes of the weights of some keys in a message.</summary>
    public long RowBlockBytes(int table, int keys) => Envelope.Align(Numbers(table, keys) * _rowFormats[table].SentBytes);

    /// <summary>Bytes of the gradients of some keys in a message.</summary>
    public long GradientBlockBytes(int table, int keys) => Envelope.Align(Numbers(table, keys) * _gradientFormats[table].SentBytes);
}
