using System.Diagnostics;
using System.Globalization;

namespace OpenEmbedding.Collectives;

/// <summary>Finds out which ranks an operation that waits long is waiting for, and says so.</summary>
/// <remarks>
/// Operations are not negotiated, so nobody knows who is missing until somebody asks: a rank that waits asks the other members how far
/// they are. Of the ranks that wait, the lowest prints the line.
/// </remarks>
internal sealed class StallInspector : IPolled
{
    private const int PollsBetweenLooks = 16;
    private static readonly TimeSpan _maxPatience = TimeSpan.FromSeconds(2);

    private readonly CollectiveQueue _queue;
    private readonly ControlChannel _control;
    private readonly Func<TimeSpan> _limit;
    private readonly Action<string> _warn;
    private readonly Dictionary<int, Inquiry> _inquiries = [];
    private int _polls;

    internal StallInspector(
        CollectiveQueue queue, ControlChannel control, Func<int, Lane?> laneOf, Func<TimeSpan> limit, Action<string> warn)
    {
        _queue = queue;
        _control = control;
        _limit = limit;
        _warn = warn;
        control.Handle(ControlKind.Ask, (source, ask) =>
            control.Send(source, ask with { Kind = ControlKind.Answer, Detail = laneOf(ask.Set)?.NextSequence ?? 0 }));
        control.Handle(ControlKind.Answer, (source, answer) =>
        {
            if (_inquiries.TryGetValue(answer.Set, out var inquiry) && inquiry.Operation.Sequence == answer.Sequence)
            {
                inquiry.Answers[source] = answer.Detail;
            }
        });
    }

    public bool HasWork => false;

    public bool Poll()
    {
        if (++_polls % PollsBetweenLooks == 0 && _queue.Busy.Count > 0 && _limit() > TimeSpan.Zero)
        {
            foreach (var lane in _queue.Busy)
            {
                Look(lane, _limit());
            }
        }

        return false;
    }

    private void Look(Lane lane, TimeSpan limit)
    {
        var oldest = lane.Oldest!;
        if (_inquiries.TryGetValue(lane.Id, out var inquiry) && inquiry.Operation == oldest)
        {
            if (!inquiry.IsReported && inquiry.IsReady(lane, limit < _maxPatience ? limit : _maxPatience))
            {
                inquiry.IsReported = true;
                Report(lane, inquiry);
            }
        }
        else if (Stopwatch.GetElapsedTime(oldest.SubmittedAt) > limit)
        {
            _inquiries[lane.Id] = new Inquiry(oldest);
            _control.SendToOthers(lane, new ControlMessage(ControlKind.Ask, lane.Id, oldest.Sequence));
        }
    }

    private void Report(Lane lane, Inquiry inquiry)
    {
        var missing = new List<string>();
        foreach (var rank in lane.Ranks)
        {
            if (rank == _control.Rank)
            {
                continue;
            }

            if (!inquiry.Answers.TryGetValue(rank, out var next))
            {
                missing.Add($"{rank} (does not answer)");
            }
            else if (next <= inquiry.Operation.Sequence)
            {
                missing.Add(rank.ToString(CultureInfo.InvariantCulture));
            }
            else if (rank < _control.Rank)
            {
                return; // it waits too, and tells
            }
        }

        _warn(Describe(lane, inquiry.Operation, missing));
    }

    private string Describe(Lane lane, CollectiveOperation operation, List<string> missing)
    {
        var waited = Stopwatch.GetElapsedTime(operation.SubmittedAt).TotalSeconds;
        var set = lane.Id == 0 ? $"all {lane.Ranks.Count} ranks" : $"ranks {string.Join(", ", lane.Ranks)}";
        var why = missing.Count == 0 ? "no rank is missing, the transfer is slow" : $"missing: rank {string.Join(", ", missing)}";
        return string.Create(
            CultureInfo.InvariantCulture,
            $"rank {_control.Rank}: {operation.Kind} \"{operation.Name}\" ({operation.Extent}) of {set} has waited {waited:f1} s; {why}");
    }

    /// <summary>The question how far the other members are, about one operation.</summary>
    private sealed class Inquiry(CollectiveOperation operation)
    {
        private readonly long _askedAt = Stopwatch.GetTimestamp();

        internal CollectiveOperation Operation { get; } = operation;

        /// <summary>By the job's rank: the next operation that it will ask for.</summary>
        internal Dictionary<int, long> Answers { get; } = [];

        internal bool IsReported { get; set; }

        internal bool IsReady(Lane lane, TimeSpan patience) =>
            Answers.Count == lane.Ranks.Count - 1 || Stopwatch.GetElapsedTime(_askedAt) > patience;
    }
}
