using System.Numerics;

namespace OpenEmbedding.EmbeddingPs.Tables;

/// <summary>Which rows of a table changed since the last increment, and which a capture under way has yet to copy.</summary>
internal sealed class RowChanges(long rowLimit) : IDisposable
{
    private readonly RowBits _changed = new(rowLimit);
    private readonly RowBits _pending = new(rowLimit);
    private readonly List<long> _removed = [];
    private long _place;

    // Changes are of use to increments alone.
    private bool _notes;

    /// <summary>Rows that were marked and are not copied yet.</summary>
    public long Pending { get; private set; }

    /// <summary>Bytes of memory.</summary>
    public long Bytes => _changed.Bytes + _pending.Bytes;

    /// <summary>Notes a row that is new or about to be overwritten.</summary>
    public void Add(long row)
    {
        if (_notes)
        {
            _changed.Add(row);
        }
    }

    /// <summary>Notes keys whose rows go.</summary>
    public void AddRemoved(ReadOnlySpan<long> keys)
    {
        if (_notes)
        {
            _removed.AddRange(keys);
        }
    }

    /// <summary>The keys whose rows went since the last call, some of which may have rows again.</summary>
    public long[] TakeRemoved()
    {
        long[] keys = [.. _removed];
        _removed.Clear();
        return keys;
    }

    /// <summary>Marks the rows that a capture copies; those of the capture before are forgotten.</summary>
    /// <param name="stored">The rows that the table has.</param>
    /// <param name="scope">Which of them.</param>
    public void Mark(RowBits stored, CaptureScope scope)
    {
        Clear();
        _place = 0;
        _notes |= scope.IsIncrement;
        for (long place = 0; place < stored.Places; place++)
        {
            long word = stored.WordAt(place);
            ulong rows = scope.IsWhole || word % scope.Parts == scope.Part ? stored[word] : stored[word] & _changed[word];
            _pending[word] = rows;
            Pending += BitOperations.PopCount(rows);
            if (scope.IsIncrement)
            {
                _changed[word] = 0;
            }
        }
    }

    /// <summary>Takes marked rows to be copied now, in any order.</summary>
    /// <returns>How many; 0 when none are left.</returns>
    public int Take(Span<long> rows)
    {
        int count = _pending.TakeFrom(ref _place, rows);
        Pending -= count;
        return count;
    }

    /// <summary>Takes those of some rows that are marked.</summary>
    /// <returns>How many.</returns>
    public int Take(ReadOnlySpan<long> among, Span<long> rows)
    {
        int count = 0;
        foreach (long row in among)
        {
            if (_pending.Remove(row))
            {
                rows[count++] = row;
            }
        }

        Pending -= count;
        return count;
    }

    /// <summary>Forgets which rows are marked.</summary>
    public void Clear()
    {
        for (long place = _place; place < _pending.Places; place++)
        {
            _pending[_pending.WordAt(place)] = 0;
        }

        Pending = 0;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _changed.Dispose();
        _pending.Dispose();
    }
}
