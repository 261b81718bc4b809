using System.Numerics;
using System.Runtime.CompilerServices;

namespace OpenEmbedding.EmbeddingPs.HotRows;

/// <summary>From keys of key spaces to numbers above 0: open addressing with linear probing, of a fixed size, without deletion.</summary>
internal sealed class KeyMap
{
    private readonly Entry[] _entries;
    private readonly int _shift;

    /// <summary>Makes an empty map.</summary>
    /// <param name="limit">The most keys.</param>
    public KeyMap(int limit)
    {
        Limit = limit;

        // At least half of the places stay empty, so that searches are short.
        uint places = BitOperations.RoundUpToPowerOf2((uint)Math.Max(2L * limit, 16));
        _entries = new Entry[places];
        _shift = 64 - BitOperations.Log2(places);
    }

    /// <summary>The most keys.</summary>
    public int Limit { get; }

    /// <summary>The number of keys.</summary>
    public int Count { get; private set; }

    /// <summary>The keys and their numbers, in no particular order.</summary>
    public IEnumerable<(HotKey Key, int Value)> Entries =>
        _entries.Where(entry => entry.Value != 0).Select(entry => (new HotKey(entry.Space, entry.Key), entry.Value));

    /// <summary>The number of a key, 0 if it is not there.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int Find(int space, long key) => Locate(space, key).Value;

    /// <summary>The place of a key's number; one that is not there yet is added with 0, which the caller must change, and must not be one more than <see cref="Limit"/>.</summary>
    public ref int FindOrAdd(int space, long key)
    {
        ref var entry = ref Locate(space, key);
        if (entry.Value == 0)
        {
            entry.Key = key;
            entry.Space = space;
            Count++;
        }

        return ref entry.Value;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private ref Entry Locate(int space, long key)
    {
        var entries = _entries;
        int place = (int)((((ulong)key + ((ulong)space << 40)) * 0x9E3779B97F4A7C15) >> _shift);
        while (entries[place].Value != 0 && (entries[place].Key != key || entries[place].Space != space))
        {
            place = (place + 1) & (entries.Length - 1);
        }

        return ref entries[place];
    }

    private struct Entry
    {
        public long Key;
        public int Space;
        public int Value;
    }
}
