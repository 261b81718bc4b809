using System.Diagnostics;

namespace OpenEmbedding.Collectives;

/// <content>The timeline: kept by each rank, written by rank 0 at the end.</content>
public sealed partial class Communication
{
    private const int TimelineChannel = 1;

    private readonly List<(int Rank, byte[] Events)> _timelineParts = [];
    private readonly long _originTicks;
    private volatile Timeline? _timeline;
    private int _timelineCount;

    /// <summary>Adds an event of the caller's own to the timeline, if one is kept; any thread may.</summary>
    /// <param name="lane">The row it is shown in, such as "trainer".</param>
    /// <param name="name">What happened, such as "forward".</param>
    /// <param name="started">When it began, of <see cref="Stopwatch.GetTimestamp"/>.</param>
    /// <param name="ended">When it ended, of the same clock.</param>
    public void MarkTimeline(string lane, string name, long started, long ended) =>
        _timeline?.Add(lane, lane, name, "", started, started, ended);

    private void KeepTimeline()
    {
        if (Options.Timeline != null)
        {
            _timeline ??= new Timeline(Rank, HostName, _originTicks);
        }
    }

    private void OnEnded(Lane lane, CollectiveOperation operation)
    {
        if (_timeline is { } timeline)
        {
            var name = lane.Id == 0 ? "collectives of all ranks" : $"collectives of ranks {string.Join(", ", lane.Ranks)}";
            timeline.Add(
                name, operation.Kind, operation.Name, operation.Extent,
                operation.SubmittedAt, operation.StartedAt, Stopwatch.GetTimestamp());
        }
    }

    /// <summary>Sends this rank's events to rank 0, which waits for all and writes the file.</summary>
    private void WriteTimeline()
    {
        if (_timeline == null)
        {
            return;
        }

        var events = _timeline.Encode();
        if (Rank != 0)
        {
            _messenger.SendInternal(0, TimelineChannel, MessageBuffer.Copy(events));
            return;
        }

        _engine?.Wait(new AllTimelines(this));
        Timeline.WriteFile(Options.Timeline!, [events, .. _timelineParts.OrderBy(part => part.Rank).Select(part => part.Events)]);
    }

    private void OnTimeline(MessageBuffer message)
    {
        _timelineParts.Add((message.Source, message.Span.ToArray()));
        Volatile.Write(ref _timelineCount, _timelineParts.Count);
    }

    private sealed class AllTimelines(Communication communication) : IWaitCondition
    {
        public bool IsMet => Volatile.Read(ref communication._timelineCount) == communication.Size - 1;
    }
}
