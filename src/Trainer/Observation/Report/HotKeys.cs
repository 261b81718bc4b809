using System.Runtime.InteropServices;
using OpenEmbedding.Trainer.Data;

namespace OpenEmbedding.Trainer.Observation.Report;

/// <summary>Counts the keys of columns in bounded memory, so that the frequent ones are found.</summary>
/// <remarks>
/// When there are too many keys, one is taken from every count, and those without any go; counts are then too low by as much. Source: Misra and Gries,
/// Finding repeated elements, 1982.
/// </remarks>
internal sealed class HotKeys(SparseSlots slots, int capacity = 1 << 17)
{
    private readonly Dictionary<(int Column, long Key), long> _counts = [];

    /// <summary>Samples counted.</summary>
    public long Samples { get; private set; }

    /// <summary>Counts samples.</summary>
    /// <param name="ids">[samples, slots].</param>
    public void Add(ReadOnlySpan<long> ids)
    {
        for (int i = 0; i < ids.Length; i++)
        {
            if (ids[i] != SparseSlots.Empty)
            {
                CollectionsMarshal.GetValueRefOrAddDefault(_counts, (slots.ColumnOf(i % slots.Count), ids[i]), out _)++;
            }
        }

        Samples += ids.Length / slots.Count;
        while (_counts.Count > capacity)
        {
            TakeOneFromEach();
        }
    }

    /// <summary>The most frequent keys.</summary>
    public IReadOnlyList<HotKey> Top(int most) =>
        [.. _counts.OrderByDescending(count => count.Value).ThenBy(count => count.Key).Take(most).Select(count => new HotKey(count.Key.Column, count.Key.Key, count.Value))];

    private void TakeOneFromEach()
    {
        foreach ((int, long) key in _counts.Keys)
        {
            ref long count = ref CollectionsMarshal.GetValueRefOrNullRef(_counts, key);
            if (--count == 0)
            {
                _counts.Remove(key);
            }
        }
    }
}

/// <summary>A frequent key.</summary>
/// <param name="Column">The sparse column, from 0.</param>
/// <param name="Key">The key.</param>
/// <param name="Count">In how many of the samples counted it is, at least.</param>
internal readonly record struct HotKey(int Column, long Key, long Count);
