namespace OpenEmbedding.EmbeddingPs.Tables;

/// <summary>The way back from a row to its key.</summary>
internal sealed unsafe class RowKeys : IDisposable
{
    private const long BlockBytes = 64 << 10;

    private readonly RowBlocks _keys;

    /// <summary>Takes over what an index has.</summary>
    public RowKeys(long rowLimit, KeyIndex index)
    {
        _keys = new RowBlocks(rowLimit, sizeof(long), BlockBytes, zeroed: false);
        Rows = new RowBits(rowLimit);
        for (long place = 0; place < index.Places; place++)
        {
            var (key, row) = index.KeyAt(place);
            if (key >= 0)
            {
                Add(row, key);
            }
        }
    }

    /// <summary>The rows that have a key.</summary>
    public RowBits Rows { get; }

    /// <summary>Bytes of memory.</summary>
    public long Bytes => _keys.Bytes + Rows.Bytes;

    /// <summary>Gives a row its key.</summary>
    public void Add(long row, long key)
    {
        _keys.Add(_keys.BlockOf(row));
        *(long*)_keys.Addresses.Of(row) = key;
        Rows.Add(row);
    }

    /// <summary>Takes its key from a row.</summary>
    public void Remove(long row) => Rows.Remove(row);

    /// <summary>The keys of rows that have one.</summary>
    public void Read(ReadOnlySpan<long> rows, Span<long> keys)
    {
        var addresses = _keys.Addresses;
        for (int i = 0; i < rows.Length; i++)
        {
            keys[i] = *(long*)addresses.Of(rows[i]);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _keys.Dispose();
        Rows.Dispose();
    }
}
