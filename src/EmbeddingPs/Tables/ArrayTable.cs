using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using OpenEmbedding.Collectives;

namespace OpenEmbedding.EmbeddingPs.Tables;

/// <summary>Keys 0 to vocabulary − 1: key k is row k / shards of shard k mod shards.</summary>
internal sealed unsafe class ArrayTable : EmbeddingTable
{
    /// <summary>The most keys an array table takes.</summary>
    public const long LargestVocabulary = 1L << 40;

    // Small, because one key of a block takes the memory of all.
    private const long BlockBytes = 64 << 10;
    private const long FlagBlockBytes = 4 << 10;
    private const int FlagShift = 6;

    private readonly RowBlocks _rows;

    // A bit for each row, apart from the rows: so many fit into a cache line that looking costs next to nothing.
    private readonly RowBlocks _flags;
    private readonly long _vocabulary;
    private readonly long _rowLimit;
    private readonly ulong _reciprocal;
    private readonly List<long> _blocks = [];

    public ArrayTable(TableOptions options, int shard, int shards)
        : base(options, shard, shards)
    {
        _vocabulary = options.Vocabulary;
        _rowLimit = options.Vocabulary > shard ? (options.Vocabulary - 1 - shard) / shards + 1 : 0;
        _rows = new RowBlocks(_rowLimit, RowBytes, BlockBytes, zeroed: false);
        _flags = new RowBlocks((_rowLimit >> FlagShift) + 1, sizeof(ulong), FlagBlockBytes, zeroed: true);
        _reciprocal = Sharding.Reciprocal(shards);
    }

    public override long MemoryBytes => _rows.Bytes + _flags.Bytes;

    public override void FindOrAdd(ReadOnlySpan<long> keys, Span<long> rows)
    {
        for (int start = 0; start < keys.Length; start += Group)
        {
            int count = Math.Min(Group, keys.Length - start);
            var group = keys.Slice(start, count);
            var found = rows.Slice(start, count);
            if (!FindGroup(group, found))
            {
                AddMissing(group, found);
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
            if (!IsSet(row))
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
        _flags.Dispose();
        _blocks.Clear();
    }

    private protected override nint Weights(long row)
    {
        Debug.Assert((ulong)row < (ulong)_rowLimit, "A row handle of another table.");
        return _rows.Address(row);
    }

    private protected override void Locate(ReadOnlySpan<long> rows, nint* addresses)
    {
        for (int i = 0; i < rows.Length; i++)
        {
            addresses[i] = Weights(rows[i]);
        }
    }

    /// <returns>Whether every key has a row.</returns>
    private bool FindGroup(ReadOnlySpan<long> keys, Span<long> rows)
    {
        // The flags lie apart from each other: ask for all of them, then look.
        nint* flags = stackalloc nint[Group];
        for (int i = 0; i < keys.Length; i++)
        {
            long row = RowOf(keys[i]);
            rows[i] = row;
            flags[i] = _flags.Find(row >> FlagShift);
            Prefetch.Line(flags[i]);
        }

        bool all = true;
        for (int i = 0; i < keys.Length; i++)
        {
            if (flags[i] == 0 || (*(ulong*)flags[i] >> (int)rows[i] & 1) == 0)
            {
                rows[i] = -1;
                all = false;
            }
        }

        return all;
    }

    private void AddMissing(ReadOnlySpan<long> keys, Span<long> rows)
    {
        for (int i = 0; i < keys.Length; i++)
        {
            if (rows[i] < 0)
            {
                rows[i] = Add(keys[i]);
            }
        }
    }

    private long Add(long key)
    {
        long row = RowOf(key);
        if (!IsSet(row))
        {
            long block = _rows.BlockOf(row);
            if (_rows.Add(block))
            {
                _blocks.Add(block);
            }

            InitializeRow(key, _rows.Address(row));
            _flags.Add(_flags.BlockOf(row >> FlagShift));
            *(ulong*)_flags.Address(row >> FlagShift) |= 1UL << (int)row;
            RowCount++;
        }

        return row;
    }

    private bool IsSet(long row)
    {
        nint word = _flags.Find(row >> FlagShift);
        return word != 0 && (*(ulong*)word >> (int)row & 1) != 0;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private long RowOf(long key)
    {
        if ((ulong)key >= (ulong)_vocabulary)
        {
            ThrowOutOfRange(key);
        }

        long row = Sharding.Divide(key, _reciprocal);
        if (row * Shards + Shard != key)
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
