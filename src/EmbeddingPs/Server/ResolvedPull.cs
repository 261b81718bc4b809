using OpenEmbedding.EmbeddingPs.Protocol;

namespace OpenEmbedding.EmbeddingPs.Server;

/// <summary>The rows of keys that are to be trained, kept so that their gradients need no keys; reused.</summary>
/// <remarks>
/// A block is the rows of one table for the keys of one section; blocks are numbered through all sections. Blocks of tables whose growth is
/// bounded keep their keys too: between pull and push such a table may give a key its row, or take it away.
/// </remarks>
internal sealed unsafe partial class ResolvedPull
{
    private int[] _tables = [];
    private int[] _ends = [];
    private long[] _rows = [];

    /// <summary>The pull's number among the requests of its trainer.</summary>
    public long Id { get; set; }

    /// <summary>The step that the rows are for.</summary>
    public long Step { get; set; }

    /// <summary>Whether the rows were sent.</summary>
    public bool IsAnswered { get; set; }

    /// <summary>Whether the gradients have come.</summary>
    public bool IsPushed { get; set; }

    /// <summary>The number of blocks.</summary>
    public int Blocks { get; private set; }

    /// <summary>Bytes of the rows in a message.</summary>
    public long RowBytes { get; private set; }

    /// <summary>Bytes of the gradients in a message.</summary>
    public long GradientBytes { get; private set; }

    /// <summary>Finds the rows of all keys; new keys get rows.</summary>
    public void Resolve(in SectionDirectory directory, TableShard shard)
    {
        Blocks = 0;
        RowBytes = 0;
        GradientBytes = 0;
        IsAnswered = false;
        IsPushed = false;
        MakeRoom(directory);
        long* keys = directory.FirstKey;
        int end = 0;
        for (int section = 0; section < directory.Sections; section++)
        {
            int count = directory.Keys(section);
            for (int i = 0; i < directory.Tables(section); i++)
            {
                int table = directory.AllTables[Blocks];
                var rows = _rows.AsSpan(end, count);
                if (shard.Growing[table] is { } growing)
                {
                    Find(growing, new ReadOnlySpan<long>(keys, count), end);
                }
                else
                {
                    shard.Tables[table].FindOrAdd(new ReadOnlySpan<long>(keys, count), rows);
                }

                end += count;
                _tables[Blocks] = table;
                _ends[Blocks++] = end;
                RowBytes += shard.Shapes.RowBlockBytes(table, count);
                GradientBytes += shard.Shapes.GradientBlockBytes(table, count);
            }

            keys += count;
        }
    }

    /// <summary>The table of a block.</summary>
    public int Table(int block) => _tables[block];

    /// <summary>The row handles of a block.</summary>
    public ReadOnlySpan<long> Rows(int block)
    {
        int start = StartOf(block);
        return _rows.AsSpan(start, _ends[block] - start);
    }

    private int StartOf(int block) => block == 0 ? 0 : _ends[block - 1];

    private void MakeRoom(in SectionDirectory directory)
    {
        int rows = 0;
        for (int section = 0; section < directory.Sections; section++)
        {
            rows = checked(rows + (directory.Keys(section) * directory.Tables(section)));
        }

        if (_rows.Length < rows)
        {
            _rows = new long[Math.Max(rows, Math.Min(Array.MaxLength, 2L * _rows.Length))];
        }

        if (_tables.Length < directory.AllTables.Length)
        {
            _tables = new int[directory.AllTables.Length];
            _ends = new int[directory.AllTables.Length];
        }
    }
}
