using OpenEmbedding.Collectives;
using OpenEmbedding.EmbeddingPs.Optimizers;
using OpenEmbedding.EmbeddingPs.Tables;

namespace OpenEmbedding.EmbeddingPs.Checkpoints;

/// <summary>One shard of every table of a checkpoint, weights alone, to be read by any number of threads.</summary>
/// <remarks>Keys are dealt to shards as to training servers. The memory is that of the shard's rows, whatever the servers that saved it.</remarks>
public sealed unsafe class TableShards : IDisposable
{
    private readonly EmbeddingTable[] _tables;

    private TableShards(EmbeddingTable[] tables) => _tables = tables;

    /// <summary>Rows in memory, of all tables.</summary>
    public long RowCount => _tables.Sum(table => table.RowCount);

    /// <summary>Bytes of native memory.</summary>
    public long MemoryBytes => _tables.Sum(table => table.MemoryBytes);

    /// <summary>Loads one shard.</summary>
    /// <param name="served">The tables.</param>
    /// <param name="folder">The folder from which <see cref="ServedTables.Manifest"/> goes.</param>
    /// <param name="shard">In [0, <paramref name="shards"/>).</param>
    /// <param name="shards">Shards, at least 1.</param>
    /// <exception cref="OpenEmbeddingException">The checkpoint is missing, damaged, or another one than described.</exception>
    public static TableShards Load(ServedTables served, string folder, int shard, int shards)
    {
        string manifest = Path.GetFullPath(Path.Combine(folder, served.Manifest));
        if (ServedTables.ChecksumOf(manifest) != served.Checksum)
        {
            throw new OpenEmbeddingException($"{manifest} is not the checkpoint that {folder} was exported with: its checksum differs.", JobExitCode.Data);
        }

        TableOptions[] options = [.. served.Tables.Select(OptionsOf)];
        CheckpointSource source = CheckpointSource.OpenForReading(manifest).Check(options).Source;
        var loaded = new TableShards([.. options.Select(table => EmbeddingTable.Create(table, shard, shards))]);
        try
        {
            SegmentReader.Load(source, loaded._tables, slots: false);
            return loaded;
        }
        catch
        {
            loaded.Dispose();
            throw;
        }
    }

    /// <summary>Whether a key can be of a table and belongs to this shard.</summary>
    public bool Has(int table, long key) => (ulong)key < _tables[table].KeyLimit && _tables[table].Owns(key);

    /// <summary>Copies the weights of keys; one that has no row gives its initial value, and stays without one.</summary>
    /// <param name="table">The table's place in <see cref="ServedTables.Tables"/>.</param>
    /// <param name="keys">Keys for which <see cref="Has"/> is true.</param>
    /// <param name="rows">Takes [keys, dimension] of the table's type.</param>
    public void Read(int table, ReadOnlySpan<long> keys, Span<byte> rows)
    {
        int bytes = checked(keys.Length * _tables[table].Options.Dimension * _tables[table].Options.ElementType.SizeOf());
        fixed (byte* pointer = rows[..bytes]) // in place while the table writes into it
        {
            _tables[table].Read(keys, (nint)pointer);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => Array.ForEach(_tables, table => table.Dispose());

    // The rule without slots, so that a row is its weights.
    private static TableOptions OptionsOf(ServedTable table) => new()
    {
        Name = table.Name,
        Kind = table.Kind,
        Vocabulary = table.Vocabulary,
        Dimension = table.Dimension,
        ElementType = table.ElementType,
        Initializer = table.Initializer,
        Seed = table.Seed,
        Optimizer = new SgdOptions(),
    };
}
