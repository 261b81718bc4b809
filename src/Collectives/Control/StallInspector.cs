using System.Diagnostics;

namespace OpenEmbedding.Collectives;

/// <summary>Finds out which ranks a long wait is for, says so, and ends the job when it is too long.</summary>
/// <remarks>
/// Nothing is negotiated before it begins, so nobody knows who is missing until somebody asks: a rank that waits asks the others how far they
/// are, and their engines answer whatever their programs do.
/// </remarks>
internal sealed class StallInspector : IPolled
{
    private const int PollsBetweenLooks = 16;
    private static readonly TimeSpan _maxPatience = TimeSpan.FromSeconds(2);

    // A rank that answers and yet does not come may wait itself; then the one that knows for whom is to have the last word.
    private static readonly TimeSpan _precedence = 2 * _maxPatience;

    private readonly CollectiveQueue _queue;
    private readonly ControlChannel _control;
    private readonly StallRules _rules;
    private readonly Dictionary<int, Inquiry> _inquiries = [];
    private volatile Func<TimeSpan, MessageWait?>[] _messageWaits = [];
    private int _polls;

    internal StallInspector(CollectiveQueue queue, ControlChannel control, Func<int, Lane?> laneOf, StallRules rules)
    {
        _queue = queue;
        _control = control;
        _rules = rules;
        control.Handle(ControlKind.Ask, (source, ask) =>
            control.Send(source, ask with { Kind = ControlKind.Answer, Detail = laneOf(ask.Set)?.NextSequence ?? 0 }));
        control.Handle(ControlKind.Answer, (source, answer) =>
        {
            if (_inquiries.TryGetValue(answer.Set, out var inquiry) && inquiry.Stall.Sequence == answer.Sequence)
            {
                inquiry.Answers[source] = answer.Detail;
            }
        });
    }

    public bool HasWork => false;

    /// <summary>Looks at the waits of a program for messages too.</summary>
    /// <param name="find">Tells a wait that is longer than a time; called from the thread that drives.</param>
    internal void Watch(Func<TimeSpan, MessageWait?> find) => _messageWaits = [.. _messageWaits, find];

    public bool Poll()
    {
        if (++_polls % PollsBetweenLooks == 0 && _rules.FirstLook is { } patience)
        {
            foreach (var lane in _queue.Busy)
            {
                var oldest = lane.Oldest!;
                if (Stopwatch.GetElapsedTime(oldest.SubmittedAt) > patience && !Look(lane.Id, oldest.Sequence))
                {
                    Ask(new OperationStall(lane, oldest, _control.Rank));
                }
            }

            var waits = _messageWaits;
            for (var i = 0; i < waits.Length; i++)
            {
                if (waits[i](patience) is { } wait && !Look(~i, wait.Since))
                {
                    Ask(new MessageStall(~i, wait, _control.Rank));
                }
            }
        }

        return false;
    }

    /// <returns>Whether there is an inquiry about this wait.</returns>
    private bool Look(int id, long sequence)
    {
        if (!_inquiries.TryGetValue(id, out var inquiry) || inquiry.Stall.Sequence != sequence)
        {
            return false;
        }

        var stall = inquiry.Stall;
        if (inquiry.IsReady(_rules.FirstLook < _maxPatience ? _rules.FirstLook.Value : _maxPatience))
        {
            if (!inquiry.IsReported && stall.Waited > _rules.Warning)
            {
                inquiry.IsReported = true;
                Report(inquiry, _rules.Warn);
            }

            if (stall.Waited - (inquiry.IsAnswered ? _precedence : TimeSpan.Zero) > _rules.Shutdown)
            {
                if (inquiry.IsLast)
                {
                    Report(inquiry, _rules.GiveUp);
                }

                // Who was missing at the warning may have come since.
                Ask(stall, isLast: true);
            }
        }

        return true;
    }

    private void Ask(Stall stall, bool isLast = false)
    {
        _inquiries[stall.Id] = new Inquiry(stall) { IsLast = isLast, IsReported = isLast };
        foreach (var rank in stall.Ranks)
        {
            _control.Send(rank, new ControlMessage(ControlKind.Ask, stall.Id, stall.Sequence));
        }
    }

    private void Report(Inquiry inquiry, Action<string> report)
    {
        var missing = new List<string>();
        var others = new List<int>();
        foreach (var rank in inquiry.Stall.Ranks)
        {
            if (!inquiry.Answers.TryGetValue(rank, out var answer))
            {
                missing.Add($"{rank}{_rules.PlaceOf(rank)} (does not answer)");
            }
            else if (inquiry.Stall.IsMissing(answer))
            {
                missing.Add($"{rank}{_rules.PlaceOf(rank)}{inquiry.Stall.Remark}");
            }
            else
            {
                others.Add(rank);
            }
        }

        if (inquiry.Stall.Describe(missing, others) is { } line)
        {
            report(line);
        }
    }

    /// <summary>The question how far the others are, about one wait.</summary>
    private sealed class Inquiry(Stall stall)
    {
        private readonly long _askedAt = Stopwatch.GetTimestamp();

        internal Stall Stall { get; } = stall;

        /// <summary>By the job's rank: the next operation that it will ask for.</summary>
        internal Dictionary<int, long> Answers { get; } = [];

        internal bool IsReported { get; set; }

        /// <summary>Whether it was asked because the wait is too long.</summary>
        internal bool IsLast { get; init; }

        internal bool IsAnswered => Answers.Count == Stall.Ranks.Count;

        internal bool IsReady(TimeSpan patience) => IsAnswered || Stopwatch.GetElapsedTime(_askedAt) > patience;
    }
}
