namespace OpenEmbedding.EmbeddingPs.HotRows;

/// <summary>How many pulls had a key, in bounded memory: no count is wrong by more than all that was counted divided by half the number of keys there is room for.</summary>
/// <remarks>
/// The algorithm of Misra and Gries: when there is no room for another key, a number is taken off every count, and keys that come to 0 go
/// (J. Misra, D. Gries, "Finding repeated elements", 1982). The number is the median of the counts, so that at least half of the keys go.
/// </remarks>
internal sealed class KeyCounts
{
    /// <summary>The most keys that are counted at the same time.</summary>
    public const int MostKeys = 1 << 17;

    private KeyMap _counts;

    /// <summary>Starts to count.</summary>
    /// <param name="mostKeys">The most keys that are counted at the same time.</param>
    public KeyCounts(int mostKeys = MostKeys)
    {
        _counts = new KeyMap(mostKeys);
    }

    /// <summary>The count of a key, at most the true one.</summary>
    public int Of(HotKey key) => _counts.Find(key.Space, key.Key);

    /// <summary>Counts the keys of a pull.</summary>
    public void Add(int space, ReadOnlySpan<long> keys)
    {
        foreach (long key in keys)
        {
            PlaceOf(space, key)++;
        }
    }

    /// <summary>Gives a key that was counted elsewhere its count, above 0.</summary>
    public void Set(HotKey key, int count) => PlaceOf(key.Space, key.Key) = count;

    /// <summary>Halves all counts, so that what is long ago counts less.</summary>
    public void Age() => Change(count => count / 2);

    /// <summary>The keys with the largest counts, the largest first, equal ones in the order of the keys; none with a count below 2.</summary>
    /// <param name="most">How many, at most.</param>
    /// <param name="without">Keys that are left out.</param>
    public IEnumerable<(HotKey Key, int Count)> Largest(int most, HotKeySet without) =>
        _counts.Entries
            .Where(entry => entry.Value > 1 && without.Find(entry.Key.Space, entry.Key.Key) < 0)
            .OrderByDescending(entry => entry.Value)
            .ThenBy(entry => entry.Key)
            .Take(most);

    private ref int PlaceOf(int space, long key)
    {
        if (_counts.Count == _counts.Limit && _counts.Find(space, key) == 0)
        {
            int[] all = [.. _counts.Entries.Select(entry => entry.Value)];
            Array.Sort(all);
            int median = all[all.Length / 2];
            Change(value => value - median);
        }

        return ref _counts.FindOrAdd(space, key);
    }

    private void Change(Func<int, int> change)
    {
        var kept = new KeyMap(_counts.Limit);
        foreach (var (key, value) in _counts.Entries)
        {
            int changed = change(value);
            if (changed > 0)
            {
                kept.FindOrAdd(key.Space, key.Key) = changed;
            }
        }

        _counts = kept;
    }
}
