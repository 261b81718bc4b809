using System.Numerics;
using System.Runtime.CompilerServices;
using OpenEmbedding.EmbeddingPs.Tables;

namespace OpenEmbedding.EmbeddingPs.Client;

/// <summary>The plan of one list of ids: every key once, grouped by the shard that holds it, and for every id the place of its key.</summary>
/// <remarks>
/// Buffers are reused by the next <see cref="Plan"/>, which also ends the life of the spans. Not thread-safe. A pull copies what it
/// needs, so the batch may be planned anew as soon as <see cref="IEmbeddingStore.BeginPull"/> has returned.
/// </remarks>
public sealed partial class KeyBatch
{
    /// <summary>The most ids of one plan.</summary>
    public const int LargestIds = 1 << 29;

    // Of the thread that plans, not of the batch, so that it stays in that core's cache through all the batches of a step.
    [ThreadStatic]
    private static SearchTable? _search;

    // Distinct keys as they came, the shard of each, and the place of each in _keys.
    private long[] _seen = [];
    private int[] _shards = [];
    private int[] _order = [];

    private long[] _keys = [];
    private int[] _offsets = [0, 0];
    private long[] _positions = [];
    private int _shardCount = 1;
    private int _keyCount;
    private int _idCount;

    /// <summary>Distinct keys, grouped by shard; inside a shard as they first came.</summary>
    public ReadOnlySpan<long> Keys => KeyArray.AsSpan(0, _keyCount);

    /// <summary>Where each shard's keys start in <see cref="Keys"/>, [shards + 1].</summary>
    public ReadOnlySpan<int> ShardOffsets => _offsets.AsSpan(0, _shardCount + 1);

    /// <summary>For every id the index of its key in <see cref="Keys"/>, [ids].</summary>
    public ReadOnlySpan<long> Positions => _positions.AsSpan(0, _idCount);

    /// <summary>The number of distinct keys.</summary>
    public int Count => _keyCount;

    /// <summary>The number of shards of the plan.</summary>
    public int Shards => _shardCount;

    /// <summary>The kind of table that the keys were dealt for.</summary>
    public TableKind Kind { get; private set; }

    /// <summary>The largest key as an unsigned number, so that a negative key is larger than every valid one; 0 without keys.</summary>
    internal ulong LargestKey { get; private set; }

    // With one shard there is nothing to group.
    private long[] KeyArray => _shardCount == 1 ? _seen : _keys;

    /// <summary>Finds the distinct keys of a list of ids and deals them to shards.</summary>
    /// <param name="ids">[ids], at most <see cref="LargestIds"/>, also none; the range is checked when they are pulled.</param>
    /// <param name="kind">The kind of the tables that the keys are for.</param>
    /// <param name="shards">The number of shards of those tables, at least 1.</param>
    public void Plan(ReadOnlySpan<long> ids, TableKind kind, int shards)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(shards, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(ids.Length, LargestIds, nameof(ids));
        MakeRoom(ids.Length, shards);
        Kind = kind;
        _shardCount = shards;
        _idCount = ids.Length;
        FindDistinct(ids);
        if (shards == 1)
        {
            _offsets[0] = 0;
            _offsets[1] = _keyCount;
        }
        else
        {
            GroupByShard();
        }
    }

    // A product with the golden ratio spreads runs of small ids over the table; its upper bits are the well mixed ones.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Hash(long key) => (ulong)key * 0x9E3779B97F4A7C15;

    private void FindDistinct(ReadOnlySpan<long> ids)
    {
        var (places, stamp) = (_search ??= new SearchTable()).For(ids.Length);
        var seen = _seen;
        var positions = _positions.AsSpan(0, ids.Length);
        int shift = 64 - BitOperations.Log2((uint)places.Length);
        int mask = places.Length - 1;
        ulong largest = 0;
        int count = 0;
        for (int i = 0; i < ids.Length; i++)
        {
            long id = ids[i];
            int place = (int)(Hash(id) >> shift);
            while (true)
            {
                ulong entry = places[place];
                if (entry >> 32 != stamp >> 32)
                {
                    places[place] = stamp | (uint)count;
                    seen[count] = id;
                    largest = Math.Max(largest, (ulong)id);
                    positions[i] = count++;
                    break;
                }

                int index = (int)(uint)entry;
                if (seen[index] == id)
                {
                    positions[i] = index;
                    break;
                }

                place = (place + 1) & mask;
            }
        }

        LargestKey = largest;
        _keyCount = count;
    }

    private void GroupByShard()
    {
        var seen = _seen.AsSpan(0, _keyCount);
        var shards = _shards.AsSpan(0, _keyCount);
        var order = _order.AsSpan(0, _keyCount);
        var offsets = _offsets.AsSpan(0, _shardCount + 1);
        offsets.Clear();
        for (int i = 0; i < seen.Length; i++)
        {
            int shard = Sharding.ShardOf(Kind, seen[i], _shardCount);
            shards[i] = shard;
            offsets[shard]++;
        }

        // Sizes become ends; filling from the back turns the ends into starts and keeps the order inside a shard.
        int end = 0;
        for (int shard = 0; shard < offsets.Length; shard++)
        {
            end += offsets[shard];
            offsets[shard] = end;
        }

        for (int i = seen.Length - 1; i >= 0; i--)
        {
            int place = --offsets[shards[i]];
            order[i] = place;
            _keys[place] = seen[i];
        }

        foreach (ref long position in _positions.AsSpan(0, _idCount))
        {
            position = order[(int)position];
        }
    }

    private void MakeRoom(int ids, int shards)
    {
        if (ids > _seen.Length)
        {
            int room = Math.Max(ids, Math.Min(LargestIds, 2 * _seen.Length));
            _seen = new long[room];
            _shards = new int[room];
            _order = new int[room];
            _keys = new long[room];
            _positions = new long[room];
        }

        if (shards + 1 > _offsets.Length)
        {
            _offsets = new int[shards + 1];
        }
    }

    /// <summary>Where keys are looked for that a plan has seen.</summary>
    private sealed class SearchTable
    {
        // A place: the stamp of the plan that wrote it, then the index into _seen. What older plans wrote counts as empty, so that nothing is
        // cleared between plans.
        //   63      32 31      0
        //   [ stamp  ][ index  ]
        private ulong[] _places = [];
        private uint _stamp;

        /// <summary>The places, a power of two, and the stamp of a new plan of so many ids.</summary>
        public (ulong[] Places, ulong Stamp) For(int ids)
        {
            // At least half of the places stay empty, so that searches are short.
            int places = (int)BitOperations.RoundUpToPowerOf2((uint)Math.Max(2 * ids, 16));
            if (places > _places.Length)
            {
                _places = new ulong[places];
                _stamp = 0;
            }

            if (++_stamp == 0)
            {
                Array.Clear(_places);
                _stamp = 1;
            }

            return (_places, (ulong)_stamp << 32);
        }
    }
}
