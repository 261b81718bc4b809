using OpenEmbedding.EmbeddingPs.Tables;

namespace OpenEmbedding.EmbeddingPs.Storage;

/// <content>Rows as they are at one moment, read by another thread while the log goes on.</content>
internal sealed unsafe partial class RowLog
{
    private Snapshot? _snapshot;

    /// <summary>Keeps segments as they are now, until <see cref="EndSnapshot"/>: what is written meanwhile goes elsewhere.</summary>
    /// <param name="scope">Which: an increment has those that no increment had yet, and a part of the others. A row that moved within the log comes with its new segment.</param>
    public Snapshot BeginSnapshot(CaptureScope scope)
    {
        EndSnapshot();
        if (_open >= 0)
        {
            Close();
        }

        var parts = new List<Snapshot.Part>();
        for (int number = 0; number < _segments.Count; number++)
        {
            var segment = _segments[number];
            if (segment.Live > 0 && (scope.IsWhole || !segment.IsCaptured || number % scope.Parts == scope.Part))
            {
                segment.Pins++;
                segment.IsCaptured |= scope.IsIncrement;
                parts.Add(new Snapshot.Part(number, segment.Count, segment.Live, segment.CopyHeld()));
            }
        }

        _snapshot = new Snapshot(this, parts);
        return _snapshot;
    }

    /// <summary>Lets the segments of a snapshot go, which nobody may read any more.</summary>
    public void EndSnapshot()
    {
        foreach (var part in _snapshot?.Parts ?? [])
        {
            _segments[part.Number].Pins--;
            FreeIfEmpty(part.Number);
        }

        _snapshot = null;
    }

    /// <summary>Segments that stay as they are, and which of their slots held a row at that moment.</summary>
    internal sealed class Snapshot(RowLog log, IReadOnlyList<Snapshot.Part> parts) : IRowSource
    {
        private readonly long[] _keys = new long[EmbeddingTable.Group];
        private readonly nint[] _rows = new nint[EmbeddingTable.Group];

        // Made by the thread that reads, and never moved.
        private byte[] _segment = [];
        private byte[] _headers = [];
        private int _next;

        /// <summary>The segments, in the order of the file.</summary>
        public IReadOnlyList<Part> Parts { get; } = parts;

        /// <summary>Rows of all of them.</summary>
        public long Rows { get; } = parts.Sum(part => (long)part.Live);

        /// <inheritdoc/>
        public bool Give(IRowSink sink)
        {
            if (_next == Parts.Count)
            {
                return false;
            }

            Give(sink, Parts[_next++]);
            return true;
        }

        private void Give(IRowSink sink, in Part part)
        {
            if (_segment.Length == 0)
            {
                _segment = GC.AllocateUninitializedArray<byte>((int)log.SegmentBytes, pinned: true);
                _headers = GC.AllocateUninitializedArray<byte>((int)log.SlotsPerSegment * HeaderBytes, pinned: true);
            }

            log.ReadSegment(part.Number, part.Count, _segment, _headers);
            fixed (byte* row = _segment, header = _headers) // pinned as they are
            {
                int count = 0;
                for (int place = 0; place < part.Count; place++)
                {
                    if (!Segment.Holds(part.Held, place))
                    {
                        continue;
                    }

                    _keys[count] = *(long*)(header + ((long)place * HeaderBytes));
                    _rows[count] = (nint)(row + ((long)place * log._stride));
                    log.Check(log.SlotOf(part.Number, place), _keys[count], _rows[count]);
                    count++;
                    if (count == _keys.Length)
                    {
                        sink.Take(_keys, _rows);
                        count = 0;
                    }
                }

                sink.Take(_keys.AsSpan(0, count), _rows.AsSpan(0, count));
            }
        }

        /// <summary>A segment.</summary>
        /// <param name="Number">Its number.</param>
        /// <param name="Count">Slots written.</param>
        /// <param name="Live">Slots that held a row.</param>
        /// <param name="Held">Which.</param>
        public readonly record struct Part(int Number, int Count, int Live, ulong[] Held);
    }
}
