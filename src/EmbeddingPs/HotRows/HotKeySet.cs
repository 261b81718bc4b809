namespace OpenEmbedding.EmbeddingPs.HotRows;

/// <summary>Keys that are hot, and the slot of each among those of its space; never changes.</summary>
internal sealed class HotKeySet
{
    private readonly HotKey[] _keys;
    private readonly int[] _firstOfSpace;
    private readonly KeyMap _places;

    /// <summary>Numbers the keys.</summary>
    /// <param name="keys">In order, each once.</param>
    /// <param name="spaces">The number of spaces.</param>
    public HotKeySet(HotKey[] keys, int spaces)
    {
        _keys = keys;
        _firstOfSpace = new int[spaces + 1];
        _places = new KeyMap(keys.Length);
        for (int i = 0; i < keys.Length; i++)
        {
            _places.FindOrAdd(keys[i].Space, keys[i].Key) = i + 1;
            _firstOfSpace[keys[i].Space + 1] = i + 1;
        }

        for (int space = 0; space < spaces; space++)
        {
            _firstOfSpace[space + 1] = Math.Max(_firstOfSpace[space + 1], _firstOfSpace[space]);
        }
    }

    /// <summary>All keys, in order.</summary>
    public ReadOnlySpan<HotKey> Keys => _keys;

    /// <summary>The place of a key in <see cref="Keys"/>, −1 if it is not hot.</summary>
    public int Find(int space, long key) => _places.Find(space, key) - 1;

    /// <summary>The place of the first key of a space in <see cref="Keys"/>; a key's slot is its place less this.</summary>
    public int First(int space) => _firstOfSpace[space];

    /// <summary>The number of keys of a space.</summary>
    public int CountOf(int space) => _firstOfSpace[space + 1] - _firstOfSpace[space];

    /// <summary>The keys of a space that another set does not have.</summary>
    public long[] Without(HotKeySet other, int space)
    {
        var keys = new List<long>();
        foreach (var (_, key) in Keys.Slice(First(space), CountOf(space)))
        {
            if (other.Find(space, key) < 0)
            {
                keys.Add(key);
            }
        }

        return [.. keys];
    }
}
