namespace OpenEmbedding.Trainer.Export;

/// <summary>Distinct keys in their order, collected from several lists of which each has a key once.</summary>
internal sealed class SortedKeys
{
    private readonly List<long> _keys = [];

    /// <summary>Takes keys; they count from the next <see cref="Merge"/> on.</summary>
    public void Add(ReadOnlySpan<long> keys) => _keys.AddRange(keys);

    /// <summary>Sorts, and leaves each key once.</summary>
    public void Merge()
    {
        _keys.Sort();
        int distinct = 0;
        for (int i = 0; i < _keys.Count; i++)
        {
            if (distinct == 0 || _keys[i] != _keys[distinct - 1])
            {
                _keys[distinct++] = _keys[i];
            }
        }

        _keys.RemoveRange(distinct, _keys.Count - distinct);
    }

    /// <summary>All keys of the last <see cref="Merge"/>.</summary>
    public long[] ToArray() => [.. _keys];
}
