using OpenEmbedding.EmbeddingPs.Tables;

namespace OpenEmbedding.EmbeddingPs.Growth;

/// <summary>Keys that were trained but have no row yet, with the number of steps that trained each.</summary>
/// <remarks>Not thread-safe. Counts are exact until there are more than <paramref name="limit"/> keys behind a step.</remarks>
/// <param name="minCount">The number of steps that makes a key one with a row, at least 2.</param>
/// <param name="limit">The most keys, at least 1.</param>
internal sealed class Candidates(int minCount, long limit) : IDisposable
{
    // Set in a count while the step that counted the key is under way, so that several trainers count it once.
    private const long InThisStep = 1L << 31;

    private readonly KeyIndex _counts = new();
    private readonly List<long> _counted = [];

    /// <summary>The number of keys.</summary>
    public long Count => _counts.Count;

    /// <summary>Bytes of native memory.</summary>
    public long Bytes => _counts.Bytes;

    /// <summary>Counts the step at hand for a key, once however often it is asked.</summary>
    /// <returns>Whether the key was now trained often enough; then it is forgotten here.</returns>
    public bool Train(long key)
    {
        long known = Math.Max(0, _counts.Find(key, _counts.HomeOf(key)));
        if ((known & InThisStep) != 0)
        {
            return false;
        }

        if (known + 1 >= minCount)
        {
            _counts.Remove(key);
            return true;
        }

        _counts.Set(key, (known + 1) | InThisStep);
        _counted.Add(key);
        return false;
    }

    /// <summary>Asks for the memory that <see cref="Train"/> looks at.</summary>
    public void Ask(long key) => Prefetch.Line(_counts.HomeOf(key));

    /// <summary>Ends the step at hand, and forgets the rarest keys if there are too many.</summary>
    public void EndStep()
    {
        foreach (long key in _counted)
        {
            _counts.Set(key, _counts.Find(key, _counts.HomeOf(key)) & ~InThisStep);
        }

        _counted.Clear();
        if (Count > limit)
        {
            KeepMostTrained(limit / 2);
        }
    }

    /// <summary>All keys with their counts, between two steps.</summary>
    public (long[] Keys, int[] Counts) Export()
    {
        long[] keys = new long[Count];
        int[] counts = new int[keys.Length];
        int found = 0;
        for (long place = 0; place < _counts.Places; place++)
        {
            var (key, count) = _counts.KeyAt(place);
            if (key >= 0)
            {
                keys[found] = key;
                counts[found++] = (int)count;
            }
        }

        return (keys, counts);
    }

    /// <summary>Takes a key with its count; one that has enough counts gets its row when it is trained next.</summary>
    public void Import(long key, int count) => _counts.Set(key, Math.Clamp(count, 1, minCount - 1));

    /// <summary>Makes an empty set ready for keys in the order of <see cref="Export"/>.</summary>
    public void Reserve(long keys) => _counts.Reserve(keys);

    /// <inheritdoc/>
    public void Dispose() => _counts.Dispose();

    // Keys of equal count go together, so that what is left does not depend on the order in which they came.
    private void KeepMostTrained(long most)
    {
        var (keys, counts) = Export();
        long[] keysOfCount = new long[minCount];
        foreach (int count in counts)
        {
            keysOfCount[count]++;
        }

        long left = keys.Length;
        int least = 1;
        while (left > most)
        {
            left -= keysOfCount[least++];
        }

        _counts.Clear();
        for (int i = 0; i < keys.Length; i++)
        {
            if (counts[i] >= least)
            {
                _counts.Add(keys[i], counts[i]);
            }
        }
    }
}
