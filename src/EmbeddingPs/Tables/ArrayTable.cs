using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using OpenEmbedding.Collectives;

namespace OpenEmbedding.EmbeddingPs.Tables;

/// <summary>Keys 0 to vocabulary − 1: key k is row k / shards of shard k mod shards.</summary>
internal sealed unsafe class ArrayTable : EmbeddingTable
{
    /// <summary>The most keys an array table takes.</summary>
    public const long LargestVocabulary = 1L << 40;

    // Small, because one key of a block takes the memory of all.
    private const long BlockBytes = 64 << 10;

    private readonly RowBlocks _rows;
    private readonly List<long> _blocks = [];

    public ArrayTable(TableOptions options, int shard, int shards)
        : base(options, shard, shards)
    {
        RowLimit = options.Vocabulary > shard ? (options.Vocabulary - 1 - shard) / shards + 1 : 0;
        _rows = new RowBlocks(RowLimit, RowBytes, BlockBytes, withFlags: true);
    }

    public override long MemoryBytes => _rows.Bytes;

    internal override long RowLimit { get; }

    public override void FindOrAdd(ReadOnlySpan<long> keys, Span<long> rows)
    {
        Find(keys, rows);
        for (int i = 0; i < keys.Length; i++)
        {
            if (rows[i] < 0)
            {
                rows[i] = Add(keys[i]);
            }
        }
    }

    public override void Find(ReadOnlySpan<long> keys, Span<long> rows)
    {
        for (int start = 0; start < keys.Length; start += Group)
        {
            int count = Math.Min(Group, keys.Length - start);
            FindGroup(keys.Slice(start, count), rows.Slice(start, count));
        }
    }

    public override long Scan(long cursor, Span<long> keys, nint weights, out int count)
    {
        // The cursor counts the rows of the blocks in the order in which the blocks were made.
        count = 0;
        long end = _blocks.Count * _rows.RowsPerBlock;
        for (; cursor < end; cursor++)
        {
            long row = _blocks[(int)_rows.BlockOf(cursor)] * _rows.RowsPerBlock + cursor % _rows.RowsPerBlock;
            if (!IsSet(_rows.Find(_rows.BlockOf(row)), row))
            {
                continue;
            }

            if (count == keys.Length)
            {
                return cursor;
            }

            keys[count++] = row * Shards + Shard;
            weights = CopyWeights(_rows.Address(row), weights);
        }

        return -1;
    }

    private protected override void Free()
    {
        _rows.Dispose();
        _blocks.Clear();
    }

    private protected override nint Weights(long row)
    {
        Debug.Assert((ulong)row < (ulong)RowLimit, "A row handle of another table.");
        return _rows.Address(row);
    }

    private protected override void Locate(ReadOnlySpan<long> rows, nint* addresses)
    {
        for (int i = 0; i < rows.Length; i++)
        {
            addresses[i] = Weights(rows[i]);
        }
    }

    private void FindGroup(ReadOnlySpan<long> keys, Span<long> rows)
    {
        // The flags lie apart from each other like the rows: ask for all of them, then look.
        nint* blocks = stackalloc nint[Group];
        for (int i = 0; i < keys.Length; i++)
        {
            long row = RowOf(keys[i]);
            rows[i] = row;
            blocks[i] = _rows.Find(_rows.BlockOf(row));
            Prefetch.Line(blocks[i] + FlagOffset(row));
        }

        for (int i = 0; i < keys.Length; i++)
        {
            if (!IsSet(blocks[i], rows[i]))
            {
                rows[i] = -1;
            }
        }
    }

    private long Add(long key)
    {
        long row = RowOf(key);
        long block = _rows.BlockOf(row);
        nint flags = _rows.Find(block);
        if (flags == 0)
        {
            flags = _rows.FindOrAdd(block);
            _blocks.Add(block);
        }

        if (!IsSet(flags, row))
        {
            InitializeRow(key, _rows.Address(row));
            *(byte*)(flags + FlagOffset(row)) |= (byte)(1 << (int)(row & 7));
            RowCount++;
        }

        return row;
    }

    private nint FlagOffset(long row) => (nint)((row & (_rows.RowsPerBlock - 1)) >> 3);

    private bool IsSet(nint flags, long row) => flags != 0 && (*(byte*)(flags + FlagOffset(row)) >> (int)(row & 7) & 1) != 0;

    private long RowOf(long key)
    {
        long row = (long)((ulong)key / (uint)Shards);
        if ((ulong)row >= (ulong)RowLimit || row * Shards + Shard != key)
        {
            ThrowOutOfRange(key);
        }

        return row;
    }

    [DoesNotReturn]
    private void ThrowOutOfRange(long key)
    {
        string problem = (ulong)key < (ulong)Options.Vocabulary
            ? $"key {key} belongs to shard {Sharding.ShardOf(TableKind.Array, key, Shards)}, not to shard {Shard} of {Shards}"
            : $"key {key} is out of range; allowed are 0 to {Options.Vocabulary - 1}";
        throw new OpenEmbeddingException($"Table {Options.Name}: {problem}.", JobExitCode.Data);
    }
}
