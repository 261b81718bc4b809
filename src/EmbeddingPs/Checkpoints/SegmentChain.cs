using OpenEmbedding.EmbeddingPs.Protocol;
using OpenEmbedding.EmbeddingPs.Tables;

namespace OpenEmbedding.EmbeddingPs.Checkpoints;

/// <summary>The files of one server in one folder, each with the rows that changed since the one before and a part of the others: the last few hold every row.</summary>
/// <remarks>Used from the thread that the tables belong to.</remarks>
internal sealed class SegmentChain(int server, int servers, EmbeddingTable[] tables)
{
    private readonly List<CheckpointSegment> _segments = [];
    private SaveRequest? _request;
    private long _count;

    // Of what the segments are: the steps apart, equal for all of them.
    private SaveRequest? _kind;

    /// <summary>Marks the rows of a save. The first of a folder, one of another kind than the one before, and one after a failure, has all rows.</summary>
    /// <param name="request">What is saved.</param>
    /// <param name="progress">As for <see cref="SegmentCapture.Begin"/>.</param>
    public SegmentCapture Begin(SaveRequest request, Action? progress)
    {
        _request = request;
        var scope = CaptureScope.Alone;
        if (request.Increments > 1)
        {
            var kind = request with { Step = 0 };
            if (_kind != kind || !_segments.TrueForAll(segment => File.Exists(Path.Combine(request.Folder, segment.File))))
            {
                _kind = kind;
                _segments.Clear();
            }

            scope = _segments.Count == 0 ? CaptureScope.First : CaptureScope.Increment((int)(_count % request.Increments), request.Increments);
        }

        _count++;
        return SegmentCapture.Begin(request, $"server-{server}-of-{servers}", tables, scope, progress);
    }

    /// <summary>Finishes what <see cref="Begin"/> began.</summary>
    /// <returns>The files that the checkpoint needs, or why there are none.</returns>
    public SavedSegments End(SegmentCapture capture)
    {
        var saved = capture.Finish();
        capture.Dispose();
        if (_request!.Increments == 1)
        {
            return saved;
        }

        if (saved.Problem is not null)
        {
            // What changed before the mark is in no file.
            _segments.Clear();
            return saved;
        }

        _segments.AddRange(saved.Segments);
        _segments.RemoveRange(0, Math.Max(0, _segments.Count - _request.Increments));
        return saved with { Segments = [.. _segments] };
    }

    /// <summary>Writes a save at once.</summary>
    public SavedSegments Write(SaveRequest request) => End(Begin(request, null));
}
