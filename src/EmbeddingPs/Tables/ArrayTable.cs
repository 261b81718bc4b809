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

    // Apart from the rows: so many bits fit into a cache line that looking costs next to nothing.
    private readonly RowBits _stored;
    private readonly long _vocabulary;
    private readonly ulong _reciprocal;
    private readonly List<long> _blocks = [];

    public ArrayTable(TableOptions options, int shard, int shards)
        : base(options, shard, shards, RowsOf(options, shard, shards), BlockBytes)
    {
        _vocabulary = options.Vocabulary;
        _stored = new RowBits(RowLimit);
        _reciprocal = Sharding.Reciprocal(shards);
    }

    public override long MemoryBytes => Rows.Bytes + _stored.Bytes + ChangeBytes;

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
        long end = _blocks.Count * Rows.RowsPerBlock;
        for (; cursor < end; cursor++)
        {
            long row = _blocks[(int)Rows.BlockOf(cursor)] * Rows.RowsPerBlock + cursor % Rows.RowsPerBlock;
            if (!_stored.Contains(row))
            {
                continue;
            }

            if (count == keys.Length)
            {
                return cursor;
            }

            keys[count++] = row * Shards + Shard;
            nint address = Rows.Addresses.Of(row);
            RowCopy.Copy((byte*)address, (byte*)weights, WeightBytes);
            weights += WeightBytes;
        }

        return -1;
    }

    private protected override bool Forget(long key, long row) => _stored.Remove(row);

    private protected override RowBits TrackRows() => _stored;

    private protected override void KeysOf(ReadOnlySpan<long> rows, Span<long> keys)
    {
        for (int i = 0; i < rows.Length; i++)
        {
            keys[i] = (rows[i] * Shards) + Shard;
        }
    }

    private protected override void Free()
    {
        _stored.Dispose();
        _blocks.Clear();
    }

    private static long RowsOf(TableOptions options, int shard, int shards) =>
        options.Vocabulary > shard ? (options.Vocabulary - 1 - shard) / shards + 1 : 0;

    /// <returns>Whether every key has a row.</returns>
    private bool FindGroup(ReadOnlySpan<long> keys, Span<long> rows)
    {
        nint* words = stackalloc nint[Group];
        for (int i = 0; i < keys.Length; i++)
        {
            rows[i] = RowOf(keys[i]);
            words[i] = _stored.Ask(rows[i]);
        }

        bool all = true;
        for (int i = 0; i < keys.Length; i++)
        {
            bool isStored = RowBits.Contains(words[i], rows[i]);
            rows[i] = isStored ? rows[i] : -1;
            all &= isStored;
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
        if (!_stored.Contains(row))
        {
            long block = Rows.BlockOf(row);
            if (Rows.Add(block))
            {
                _blocks.Add(block);
            }

            InitializeRow(key, Rows.Addresses.Of(row));
            _stored.Add(row);
            RowCount++;
            AfterAdd(row);
        }

        return row;
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
