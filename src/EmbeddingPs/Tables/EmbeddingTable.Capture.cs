namespace OpenEmbedding.EmbeddingPs.Tables;

/// <content>Rows as they are at one moment, copied while the table goes on: a row that changes before its turn is copied first.</content>
public abstract unsafe partial class EmbeddingTable
{
    private RowChanges? _changes;
    private IRowSink? _sink;

    /// <summary>The marked rows that <see cref="Capture"/> does not copy, until <see cref="EndCapture"/>; null if it copies all.</summary>
    internal virtual IRowSource? CaptureSource => null;

    /// <summary>Marks rows as they are now, to be copied by <see cref="Capture"/> or read from <see cref="CaptureSource"/>. The first increment makes the table note its changes from then on.</summary>
    /// <param name="scope">Which rows.</param>
    /// <param name="sink">Where they go.</param>
    /// <returns>How many rows the sink will get.</returns>
    internal virtual long BeginCapture(CaptureScope scope, IRowSink sink)
    {
        var stored = TrackRows();
        _changes ??= new RowChanges(RowLimit);
        _changes.Mark(stored, scope);
        _sink = sink;
        return _changes.Pending;
    }

    /// <summary>The keys whose rows went since the increment before; called once for each increment, at its mark.</summary>
    internal long[] TakeRemoved() => _changes?.TakeRemoved() ?? [];

    /// <summary>Copies some of the marked rows.</summary>
    /// <returns>Whether there were any left.</returns>
    internal bool Capture()
    {
        Span<long> rows = stackalloc long[Group];
        int count = _changes!.Take(rows);
        Give(rows[..count]);
        return count > 0;
    }

    /// <summary>Forgets the rows that are marked and not copied.</summary>
    internal virtual void EndCapture()
    {
        _changes?.Clear();
        _sink = null;
    }

    /// <summary>Bytes of memory that note changes.</summary>
    private protected long ChangeBytes => _changes?.Bytes ?? 0;

    /// <summary>Hears of rows that are about to be overwritten.</summary>
    private protected virtual void BeforeChange(ReadOnlySpan<long> rows)
    {
        if (_changes is { } changes)
        {
            NoteChanges(changes, rows);
        }
    }

    /// <summary>Hears of a row that is new.</summary>
    private protected void AfterAdd(long row) => _changes?.Add(row);

    /// <summary>Copies those of some rows that are marked and not copied yet, before they change or leave.</summary>
    private protected void CaptureNow(ReadOnlySpan<long> rows)
    {
        if (_changes is not { Pending: > 0 })
        {
            return;
        }

        Span<long> marked = stackalloc long[Math.Min(Group, rows.Length)];
        for (int start = 0; start < rows.Length; start += Group)
        {
            int count = _changes.Take(rows.Slice(start, Math.Min(Group, rows.Length - start)), marked);
            Give(marked[..count]);
        }
    }

    /// <summary>The rows that <see cref="Capture"/> is for, from now on kept for the next call.</summary>
    private protected virtual RowBits TrackRows() => throw new NotSupportedException();

    /// <summary>The keys of stored rows, once <see cref="TrackRows"/> was called.</summary>
    private protected virtual void KeysOf(ReadOnlySpan<long> rows, Span<long> keys) => throw new NotSupportedException();

    private void NoteChanges(RowChanges changes, ReadOnlySpan<long> rows)
    {
        CaptureNow(rows);
        foreach (long row in rows)
        {
            changes.Add(row);
        }
    }

    /// <param name="rows">At most a group.</param>
    private void Give(ReadOnlySpan<long> rows)
    {
        if (rows.IsEmpty)
        {
            return;
        }

        nint* addresses = stackalloc nint[rows.Length];
        Span<long> keys = stackalloc long[rows.Length];
        Locate(rows, addresses);
        KeysOf(rows, keys);
        _sink!.Take(keys, new ReadOnlySpan<nint>(addresses, rows.Length));
    }
}
