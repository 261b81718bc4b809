using OpenEmbedding.EmbeddingPs.Storage;

namespace OpenEmbedding.EmbeddingPs.Tables;

/// <content>Rows as they are at one moment, for checkpoints; and the files as a checkpoint of their own.</content>
internal sealed unsafe partial class TieredTable
{
    // The rows that the log has stay where they are until they are read, whatever is written after them: only those in memory are copied.
    private RowLog.Snapshot? _snapshot;

    internal override IRowSource? CaptureSource => _snapshot;

    private string Identity =>
        $"table {Options.Name}, shard {Shard} of {Shards}, {Options.Kind} of {Options.Vocabulary}, {Options.Dimension} × {Options.ElementType}, "
        + $"{Options.Optimizer.RuleName()}, {StoredBytes} bytes a row";

    /// <summary>Writes what changed, and makes the files the table's state after a step; it can be recovered until it is dropped.</summary>
    /// <param name="step">Steps applied.</param>
    public void SaveCheckpoint(long step)
    {
        for (long row = 0; row < _frames.Count; row++)
        {
            if (_frames.Changed.Remove(row))
            {
                ref var frame = ref _frames.Of(row);
                frame.Slot = _log.Append(frame.Key, frame.Step, Rows.Addresses.Of(row));
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

    internal override long BeginCapture(CaptureScope scope, IRowSink sink)
    {
        long copied = base.BeginCapture(scope, sink);
        _snapshot = _log.BeginSnapshot(scope);
        return copied + _snapshot.Rows;
    }

    internal override void EndCapture()
    {
        base.EndCapture();
        _log.EndSnapshot();
        _snapshot = null;
    }

    void IRowOwner.Expect(long rows) => _index.Reserve(rows);

    void IRowOwner.Found(ReadOnlySpan<long> keys, ReadOnlySpan<uint> slots)
    {
        _index.Add(keys, slots);
        RowCount += keys.Length;
    }

    private protected override RowBits TrackRows() => _frames.Changed;

    private protected override void KeysOf(ReadOnlySpan<long> rows, Span<long> keys)
    {
        for (int i = 0; i < rows.Length; i++)
        {
            keys[i] = _frames.Of(rows[i]).Key;
        }
    }
}
