using OpenEmbedding.EmbeddingPs.Storage;

namespace OpenEmbedding.EmbeddingPs.Tables;

/// <content>The files as a checkpoint.</content>
internal sealed unsafe partial class TieredTable
{
    // The place of the index up to which a capture went.
    private long _captured;
    private IRowSink? _sink;

    internal override bool CapturesAtOnce => true;

    private string Identity =>
        $"table {Options.Name}, shard {Shard} of {Shards}, {Options.Kind} of {Options.Vocabulary}, {Options.Dimension} × {Options.ElementType}, "
        + $"{Options.Optimizer.RuleName()}, {StoredBytes} bytes a row";

    /// <summary>Writes what changed, and makes the files the table's state after a step; it can be recovered until it is dropped.</summary>
    /// <param name="step">Steps applied.</param>
    public void SaveCheckpoint(long step)
    {
        for (long row = 0; row < _frames.Count; row++)
        {
            ref var frame = ref _frames.Of(row);
            if (frame.IsChanged)
            {
                frame.Slot = _log.Append(frame.Key, frame.Step, Rows.Addresses.Of(row));
                frame.IsChanged = false;
            }
        }

        _log.Save(step, Identity);
    }

    /// <summary>Drops the checkpoints of steps before one; their room is used again.</summary>
    public void DropCheckpointsBefore(long step) => _log.DropBefore(step);

    /// <summary>Takes the state after a step from the files, without reading the rows; the table must be new.</summary>
    /// <param name="step">The step of a <see cref="SaveCheckpoint"/>.</param>
    /// <exception cref="Collectives.OpenEmbeddingException">There is no such checkpoint, it is damaged or of another table.</exception>
    public void Recover(long step)
    {
        _log.Recover(step, Identity, this);
        Step = step;
    }

    // The log does not know what changed since the last capture, so that every one has all rows.
    internal override long BeginCapture(CaptureScope scope, IRowSink sink)
    {
        (_captured, _sink) = (0, sink);
        return RowCount;
    }

    internal override bool Capture()
    {
        if (_sink is null)
        {
            return false;
        }

        Span<long> keys = stackalloc long[Group];
        nint* stored = stackalloc nint[Group];
        int count = NextKeys(ref _captured, keys);
        if (count == 0)
        {
            // Rows that come later are not of this capture.
            _sink = null;
            return false;
        }

        ReadStored(keys[..count], stored);
        _sink.Take(keys[..count], new ReadOnlySpan<nint>(stored, count));
        return true;
    }

    internal override void EndCapture() => _sink = null;

    void IRowOwner.Expect(long slots) => _index.Reserve(slots);

    void IRowOwner.Found(ReadOnlySpan<long> keys, uint first, Span<long> before)
    {
        foreach (long key in keys)
        {
            Prefetch.Line(_index.HomeOf(key));
        }

        for (int i = 0; i < keys.Length; i++)
        {
            before[i] = _index.Set(keys[i], first + i);
            RowCount += before[i] < 0 ? 1 : 0;
        }
    }
}
