using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using OpenEmbedding.Collectives;
using OpenEmbedding.EmbeddingPs.Growth;

namespace OpenEmbedding.EmbeddingPs.Tables;

/// <summary>Any key in [0, 2^63): an index holds the keys with the numbers of their rows; the number of a row that went is given again.</summary>
internal sealed unsafe partial class HashTable : EmbeddingTable
{
    private const long BlockBytes = 1 << 20;

    // How many keys a search runs behind its prefetches, a power of two.
    private const int Distance = 64;

    // Ends the list of rows that went, each of which begins with the number of the next.
    private const uint NoRow = uint.MaxValue;

    private readonly KeyIndex _index = new();
    private uint _freeRow = NoRow;
    private long _rowNumbers;

    // The key of each row, once captures ask for it.
    private RowKeys? _keys;

    public HashTable(TableOptions options, int shard, int shards)
        : base(options, shard, shards, KeyIndex.MostRows, BlockBytes)
    {
        if (options.Growth is { } growth)
        {
            _growth = growth;
            _candidates = growth.MinCount > 1 ? new Candidates(growth.MinCount, GrowthOptions.ShareOf(growth.MaxCandidates, shards)) : null;
            _rowLimit = FindRowLimit(growth);
        }
    }

    public override long MemoryBytes => Rows.Bytes + _index.Bytes + (_candidates?.Bytes ?? 0) + (_keys?.Bytes ?? 0) + ChangeBytes;

    internal override void Reserve(long rows)
    {
        base.Reserve(rows);
        _index.Reserve(rows);
    }

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

    private protected override bool Forget(long key, long row)
    {
        if (_index.Remove(key) < 0)
        {
            return false;
        }

        _keys?.Remove(row);
        *(uint*)Rows.Addresses.Of(row) = _freeRow;
        _freeRow = (uint)row;
        return true;
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
        _candidates?.Dispose();
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
        if (RowCount >= _rowLimit && _growth is { WhenFull: FullTable.Error })
        {
            ThrowFull();
        }

        long row = TakeRow();
        InitializeRow(key, Rows.Addresses.Of(row));
        _index.Add(key, row);
        _keys?.Add(row, key);
        RowCount++;
        AfterAdd(row);
        return row;
    }

    private long TakeRow()
    {
        long row = _freeRow;
        if (row != NoRow)
        {
            _freeRow = *(uint*)Rows.Addresses.Of(row);
            return row;
        }

        row = _rowNumbers;
        if (row >= KeyIndex.MostRows)
        {
            throw new OpenEmbeddingException(
                $"Table {Options.Name}: shard {Shard} of {Shards} is full with {row} rows; more servers hold more.");
        }

        Rows.Add(Rows.BlockOf(row));
        _rowNumbers++;
        return row;
    }

    [DoesNotReturn]
    private void ThrowNegative(long key)
    {
        throw new OpenEmbeddingException($"Table {Options.Name}: key {key} is out of range; allowed are 0 to {long.MaxValue}.", JobExitCode.Data);
    }
}
