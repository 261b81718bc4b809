using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using OpenEmbedding.Collectives;

namespace OpenEmbedding.EmbeddingPs.Tables;

/// <summary>Any key in [0, 2^63): rows are numbered in the order in which they come, and each starts with its key.</summary>
internal sealed unsafe class HashTable : EmbeddingTable
{
    private const long BlockBytes = 1 << 20;
    private const int KeyBytes = sizeof(long);

    private readonly RowBlocks _rows;
    private readonly RowIndex _index = new();

    public HashTable(TableOptions options, int shard, int shards)
        : base(options, shard, shards)
    {
        // Whole keys apart, so that every key is aligned.
        int stride = (KeyBytes + RowBytes + KeyBytes - 1) & -KeyBytes;
        _rows = new RowBlocks(RowIndex.MostRows, stride, BlockBytes, withFlags: false);
    }

    public override long MemoryBytes => _rows.Bytes + _index.Bytes;

    internal override long RowLimit => RowIndex.MostRows;

    public override void FindOrAdd(ReadOnlySpan<long> keys, Span<long> rows)
    {
        ulong* hashes = stackalloc ulong[Group];
        for (int start = 0; start < keys.Length; start += Group)
        {
            int count = Math.Min(Group, keys.Length - start);
            var group = keys.Slice(start, count);
            var found = rows.Slice(start, count);
            FindGroup(group, found, hashes);
            for (int i = 0; i < count; i++)
            {
                if (found[i] < 0)
                {
                    found[i] = Add(group[i], hashes[i]);
                }
            }
        }
    }

    public override void Find(ReadOnlySpan<long> keys, Span<long> rows)
    {
        ulong* hashes = stackalloc ulong[Group];
        for (int start = 0; start < keys.Length; start += Group)
        {
            int count = Math.Min(Group, keys.Length - start);
            FindGroup(keys.Slice(start, count), rows.Slice(start, count), hashes);
        }
    }

    public override long Scan(long cursor, Span<long> keys, nint weights, out int count)
    {
        count = (int)Math.Min(keys.Length, RowCount - cursor);
        for (int i = 0; i < count; i++)
        {
            keys[i] = KeyOf(cursor + i);
            weights = CopyWeights(Weights(cursor + i), weights);
        }

        cursor += count;
        return cursor < RowCount ? cursor : -1;
    }

    private protected override void Free()
    {
        _rows.Dispose();
        _index.Dispose();
    }

    private protected override nint Weights(long row)
    {
        Debug.Assert((ulong)row < (ulong)RowCount, "A row handle of another table.");
        return _rows.Address(row) + KeyBytes;
    }

    private protected override void Locate(ReadOnlySpan<long> rows, nint* addresses)
    {
        for (int i = 0; i < rows.Length; i++)
        {
            addresses[i] = Weights(rows[i]);
        }
    }

    /// <summary>A bijection of 64 bits (the finalizer of MurmurHash3), other than the one that deals keys to shards.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Hash(long key)
    {
        ulong hash = (ulong)key;
        hash = (hash ^ (hash >> 33)) * 0xFF51AFD7ED558CCD;
        hash = (hash ^ (hash >> 33)) * 0xC4CEB9FE1A85EC53;
        return hash ^ (hash >> 33);
    }

    private void FindGroup(ReadOnlySpan<long> keys, Span<long> rows, ulong* hashes)
    {
        for (int i = 0; i < keys.Length; i++)
        {
            if (keys[i] < 0)
            {
                ThrowNegative(keys[i]);
            }

            hashes[i] = Hash(keys[i]);
            Prefetch.Line(_index.HomeOf(hashes[i]));
        }

        for (int i = 0; i < keys.Length; i++)
        {
            rows[i] = _index.FindCandidate(hashes[i]);
            if (rows[i] >= 0)
            {
                Prefetch.Line(_rows.Address(rows[i]));
            }
        }

        for (int i = 0; i < keys.Length; i++)
        {
            if (rows[i] >= 0 && KeyOf(rows[i]) != keys[i])
            {
                // Another key with the same tag; look on with whole keys.
                rows[i] = FindWhole(keys[i], hashes[i]);
            }
        }
    }

    private long FindWhole(long key, ulong hash)
    {
        long place = _index.FirstPlace(hash);
        long row;
        while ((row = _index.NextCandidate(hash, ref place)) >= 0 && KeyOf(row) != key)
        {
        }

        return row;
    }

    private long Add(long key, ulong hash)
    {
        // The key may have come earlier in the same group.
        long row = FindWhole(key, hash);
        if (row >= 0)
        {
            return row;
        }

        row = RowCount;
        if (row >= RowIndex.MostRows)
        {
            throw new OpenEmbeddingException(
                $"Table {Options.Name}: shard {Shard} of {Shards} is full with {row} rows; more servers hold more.");
        }

        if (_index.IsFull(row))
        {
            _index.Grow();
            Reindex();
        }

        _rows.FindOrAdd(_rows.BlockOf(row));
        nint address = _rows.Address(row);
        *(long*)address = key;
        InitializeRow(key, address + KeyBytes);
        _index.Insert(hash, row);
        RowCount++;
        return row;
    }

    private void Reindex()
    {
        ulong* hashes = stackalloc ulong[Group];
        for (long start = 0; start < RowCount; start += Group)
        {
            int count = (int)Math.Min(Group, RowCount - start);
            for (int i = 0; i < count; i++)
            {
                hashes[i] = Hash(KeyOf(start + i));
                Prefetch.Line(_index.HomeOf(hashes[i]));
            }

            for (int i = 0; i < count; i++)
            {
                _index.Insert(hashes[i], start + i);
            }
        }
    }

    private long KeyOf(long row) => *(long*)_rows.Address(row);

    [DoesNotReturn]
    private void ThrowNegative(long key)
    {
        throw new OpenEmbeddingException($"Table {Options.Name}: key {key} is out of range; allowed are 0 to {long.MaxValue}.", JobExitCode.Data);
    }
}
