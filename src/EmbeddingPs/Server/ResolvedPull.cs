using OpenEmbedding.EmbeddingPs.Protocol;
using OpenEmbedding.EmbeddingPs.Tables;

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
    private long[] _places = [];
    private nint[] _asked = [];

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

    /// <summary>Takes up what a pull asks for; <see cref="TableShard.Find"/> finds the rows.</summary>
    public void Lay(in SectionDirectory directory, TableShapes shapes)
    {
        Blocks = 0;
        RowBytes = 0;
        GradientBytes = 0;
        IsAnswered = false;
        IsPushed = false;
        MakeRoom(directory);
        HasTablesOnce = true;
        long* keys = directory.FirstKey;
        int end = 0;
        for (int section = 0; section < directory.Sections; section++)
        {
            int count = directory.Keys(section);
            for (int i = 0; i < directory.Tables(section); i++)
            {
                int table = directory.AllTables[Blocks];
                end += count;
                HasTablesOnce &= Blocks == 0 || table > _tables[Blocks - 1];
                _tables[Blocks] = table;
                _asked[Blocks] = (nint)keys;
                _places[Blocks] = RowBytes;
                _ends[Blocks++] = end;
                RowBytes += shapes.RowBlockBytes(table, count);
                GradientBytes += shapes.GradientBlockBytes(table, count);
            }

            keys += count;
        }
    }

    /// <summary>Finds the rows of a block's keys, which are where <see cref="Lay"/> found them; new keys get rows.</summary>
    public void Find(int block, EmbeddingTable table)
    {
        int start = StartOf(block);
        var keys = new ReadOnlySpan<long>((long*)_asked[block], _ends[block] - start);
        if (table.Options.Growth is null)
        {
            table.FindOrAdd(keys, _rows.AsSpan(start, keys.Length));
        }
        else
        {
            Find((HashTable)table, keys, block);
        }
    }

    /// <summary>Where the rows of a block are in a message, in bytes.</summary>
    public long Place(int block) => _places[block];

    /// <summary>Whether the blocks' tables ascend, so that none has two.</summary>
    public bool HasTablesOnce { get; private set; }

    /// <summary>The number of rows of all blocks.</summary>
    public int RowCount => Blocks == 0 ? 0 : _ends[Blocks - 1];

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
            _places = new long[directory.AllTables.Length];
            _asked = new nint[directory.AllTables.Length];
        }
    }
}
