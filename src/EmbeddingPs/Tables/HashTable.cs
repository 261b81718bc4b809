using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using OpenEmbedding.Collectives;

namespace OpenEmbedding.EmbeddingPs.Tables;

/// <summary>Any key in [0, 2^63): rows are numbered in the order in which they come; an index holds the keys.</summary>
internal sealed unsafe class HashTable : EmbeddingTable
{
    private const long BlockBytes = 1 << 20;

    // How many keys a search runs behind its prefetches, a power of two.
    private const int Distance = 32;

    private readonly KeyIndex _index = new();

    // The key of each row, once captures ask for it.
    private RowKeys? _keys;

    public HashTable(TableOptions options, int shard, int shards)
        : base(options, shard, shards, KeyIndex.MostRows, BlockBytes)
    {
    }

    public override long MemoryBytes => Rows.Bytes + _index.Bytes + (_keys?.Bytes ?? 0) + ChangeBytes;

    internal override void Reserve(long rows) => _index.Reserve(rows);

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
        // The cursor counts the places of the index, which lie in another order than the rows.
        Span<long> rows = stackalloc long[Group];
        count = 0;
        int gathered = 0;
        for (; cursor < _index.Places && count < keys.Length; cursor++)
        {
            var (key, row) = _index.KeyAt(cursor);
            if (key < 0)
            {
                continue;
            }

            keys[count++] = key;
            rows[count - 1 - gathered] = row;
            if (count - gathered == Group)
            {
                Gather(rows, weights);
                weights += Group * WeightBytes;
                gathered = count;
            }
        }

        Gather(rows[..(count - gathered)], weights);
        return cursor < _index.Places ? cursor : -1;
    }

    private protected override RowBits TrackRows()
    {
        _keys ??= new RowKeys(RowLimit, _index);
        return _keys.Rows;
    }

    private protected override void KeysOf(ReadOnlySpan<long> rows, Span<long> keys) => _keys!.Read(rows, keys);

    private protected override void Free()
    {
        _index.Dispose();
        _keys?.Dispose();
    }

    /// <returns>Whether every key has a row.</returns>
    private bool FindGroup(ReadOnlySpan<long> keys, Span<long> rows)
    {
        // The lines lie apart from each other: ask for some of them ahead.
        nint* asked = stackalloc nint[Distance];
        int ahead = Math.Min(Distance, keys.Length);
        for (int i = 0; i < ahead; i++)
        {
            asked[i] = Ask(keys[i]);
        }

        int* open = stackalloc int[Group];
        int openCount = 0;
        for (int i = 0; i < keys.Length; i++)
        {
            nint home = asked[i & (Distance - 1)];
            if (i + Distance < keys.Length)
            {
                asked[i & (Distance - 1)] = Ask(keys[i + Distance]);
            }

            long row = KeyIndex.FindAtHome(keys[i], home);
            rows[i] = row;
            if (row < 0)
            {
                open[openCount++] = i;
            }
        }

        bool all = true;
        for (int i = 0; i < openCount; i++)
        {
            long key = keys[open[i]];
            long row = _index.Find(key, _index.HomeOf(key));
            rows[open[i]] = row;
            all &= row >= 0;
        }

        return all;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private nint Ask(long key)
    {
        if (key < 0)
        {
            ThrowNegative(key);
        }

        nint home = _index.HomeOf(key);
        Prefetch.Line(home);
        return home;
    }

    private void AddMissing(ReadOnlySpan<long> keys, Span<long> rows)
    {
        for (int i = 0; i < keys.Length; i++)
        {
            if (rows[i] < 0)
            {
                // The key may have come earlier in the same group.
                long row = _index.Find(keys[i], _index.HomeOf(keys[i]));
                rows[i] = row >= 0 ? row : Add(keys[i]);
            }
        }
    }

    private long Add(long key)
    {
        long row = RowCount;
        if (row >= KeyIndex.MostRows)
        {
            throw new OpenEmbeddingException(
                $"Table {Options.Name}: shard {Shard} of {Shards} is full with {row} rows; more servers hold more.");
        }

        Rows.Add(Rows.BlockOf(row));
        InitializeRow(key, Rows.Addresses.Of(row));
        _index.Add(key, row);
        _keys?.Add(row, key);
        RowCount++;
        AfterAdd(row);
        return row;
    }

    [DoesNotReturn]
    private void ThrowNegative(long key)
    {
        throw new OpenEmbeddingException($"Table {Options.Name}: key {key} is out of range; allowed are 0 to {long.MaxValue}.", JobExitCode.Data);
    }
}
