namespace OpenEmbedding.Trainer.Export;

/// <summary>Distinct keys in their order, collected from several lists of which each has a key once.</summary>
internal sealed class SortedKeys
{
    private readonly List<long> _keys = [];
    private int _merged;

    /// <summary>Takes the keys that are not there; they count from the next <see cref="Merge"/> on.</summary>
    /// <param name="keys">Keys, of which none was given since the last <see cref="Merge"/>.</param>
    public void Add(ReadOnlySpan<long> keys)
    {
        foreach (long key in keys)
        {
            if (_keys.BinarySearch(0, _merged, key, comparer: null) < 0)
            {
                _keys.Add(key);
            }
        }
    }

    /// <summary>Brings all keys in their order.</summary>
    public void Merge()
    {
        _keys.Sort();
        _merged = _keys.Count;
    }

    /// <summary>All keys of the last <see cref="Merge"/>.</summary>
    public long[] ToArray() => [.. _keys];
}
