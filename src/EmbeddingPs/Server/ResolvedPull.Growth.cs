using OpenEmbedding.EmbeddingPs.Tables;

namespace OpenEmbedding.EmbeddingPs.Server;

/// <content>Blocks of tables whose growth is bounded.</content>
internal sealed partial class ResolvedPull
{
    // In the places of the rows; and by block, what the table had removed when its rows were found.
    private long[] _keys = [];
    private long[] _removed = [];
    private long[] _missing = [];

    /// <summary>The keys of a block of a table whose growth is bounded.</summary>
    public ReadOnlySpan<long> Keys(int block) => _keys.AsSpan(StartOf(block), _ends[block] - StartOf(block));

    /// <summary>Finds the rows that a block has now: all of them if the table took any away since, else those that it had not.</summary>
    public void FindAgain(int block, HashTable table)
    {
        var keys = Keys(block);
        var rows = _rows.AsSpan(StartOf(block), keys.Length);
        if (!FindAll(block, keys, rows, table) && rows.Contains(-1))
        {
            FindMissing(keys, rows, table);
        }
    }

    /// <summary>Gives rows to keys of a block that the step at hand trains often enough.</summary>
    public void Admit(int block, HashTable table)
    {
        var keys = Keys(block);
        var rows = _rows.AsSpan(StartOf(block), keys.Length);
        FindAll(block, keys, rows, table);
        table.Admit(keys, rows);
    }

    /// <returns>Whether the table took any row away since the rows were found, so that all were looked up again.</returns>
    private bool FindAll(int block, ReadOnlySpan<long> keys, Span<long> rows, HashTable table)
    {
        if (_removed[block] == table.RowsRemoved)
        {
            return false;
        }

        table.Find(keys, rows);
        _removed[block] = table.RowsRemoved;
        return true;
    }

    private void Find(HashTable table, ReadOnlySpan<long> keys, int block)
    {
        if (_keys.Length < _rows.Length)
        {
            Array.Resize(ref _keys, _rows.Length);
        }

        if (_removed.Length < _tables.Length)
        {
            Array.Resize(ref _removed, _tables.Length);
        }

        keys.CopyTo(_keys.AsSpan(StartOf(block)));
        _removed[block] = table.RowsRemoved;
        table.Find(keys, _rows.AsSpan(StartOf(block), keys.Length));
    }

    private void FindMissing(ReadOnlySpan<long> keys, Span<long> rows, HashTable table)
    {
        if (_missing.Length < 2 * keys.Length)
        {
            _missing = new long[2 * keys.Length];
        }

        int count = 0;
        var missing = _missing.AsSpan(0, keys.Length);
        for (int i = 0; i < rows.Length; i++)
        {
            if (rows[i] < 0)
            {
                missing[count++] = keys[i];
            }
        }

        var found = _missing.AsSpan(keys.Length, count);
        table.Find(missing[..count], found);
        int next = 0;
        for (int i = 0; i < rows.Length; i++)
        {
            if (rows[i] < 0)
            {
                rows[i] = found[next++];
            }
        }
    }
}
