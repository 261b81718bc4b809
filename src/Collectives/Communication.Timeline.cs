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
    private volatile PhaseTotals? _phases;
    private volatile bool _isTimelineHeld;

    /// <summary>A row of the timeline for events of the caller's own.</summary>
    /// <param name="name">What the row is called, such as "trainer".</param>
    public TimelineLane TimelineLane(string name) => new(this, name);

    /// <summary>Keeps the sums of this rank's events from now on, with a timeline or without.</summary>
    public PhaseTotals KeepPhases() => _phases ??= new PhaseTotals();

    /// <summary>Leaves the events of this rank that end from now on out of the timeline, or takes them again; at first they are taken.</summary>
    public void HoldTimeline(bool held) => _isTimelineHeld = held;

    internal void AddToTimeline(string lane, string what, long started)
    {
        if (!_isTimelineHeld)
        {
            _timeline?.Add(lane, lane, what, "", started, started, Stopwatch.GetTimestamp());
        }

        _phases?.Add(lane, what, Stopwatch.GetTimestamp() - started);
    }

    private void KeepTimeline()
    {
        if (Options.Timeline != null)
        {
            _timeline ??= new Timeline(Rank, HostName, _originTicks);
        }
    }

    private void OnEnded(Lane lane, CollectiveOperation operation)
    {
        if (!_isTimelineHeld && _timeline is { } timeline)
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
