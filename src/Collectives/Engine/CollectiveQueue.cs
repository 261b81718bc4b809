using System.Collections.Concurrent;
using System.Diagnostics;

namespace OpenEmbedding.Collectives;

/// <summary>The collective operations of the process: waiting for their turn in their process set, or under way.</summary>
internal sealed class CollectiveQueue(HostBells bells) : IPolled
{
    private readonly ConcurrentQueue<(Lane Lane, CollectiveOperation Operation)> _submitted = new();
    private readonly List<Lane> _busy = [];

    public bool HasWork => _busy.Count > 0 || !_submitted.IsEmpty;

    /// <summary>Those process sets that have operations under way; for the thread that drives.</summary>
    internal IReadOnlyList<Lane> Busy => _busy;

    /// <summary>Hears of operations as they end, on the thread that drives; set before the first.</summary>
    internal Action<Lane, CollectiveOperation>? Ended { get; set; }

    /// <summary>Hears of operations as they are dealt their place in the order, on the thread that drives; set before the first.</summary>
    internal Action<Lane, CollectiveOperation>? Ordered { get; set; }

    /// <summary>Puts an operation at the end of its process set's queue; any thread may.</summary>
    internal void Submit(Lane lane, CollectiveOperation operation)
    {
        operation.SubmittedAt = Stopwatch.GetTimestamp(); // the time in the queue counts as waiting
        _submitted.Enqueue((lane, operation));
    }

    public bool Poll()
    {
        var progress = false;
        while (_submitted.TryDequeue(out var submission))
        {
            Order(submission.Lane, submission.Operation);
            progress = true;
        }

        for (var i = _busy.Count - 1; i >= 0; i--)
        {
            progress |= Advance(_busy[i]);
            if (_busy[i].IsIdle)
            {
                _busy.RemoveAt(i);
            }
        }

        return progress;
    }

    /// <summary>Deals an operation its place in its process set's order; for the thread that drives.</summary>
    internal void Order(Lane lane, CollectiveOperation operation)
    {
        if (operation.SubmittedAt == 0)
        {
            operation.SubmittedAt = Stopwatch.GetTimestamp();
        }

        if (lane.IsIdle)
        {
            _busy.Add(lane);
        }

        lane.Add(operation);
        Ordered?.Invoke(lane, operation);
    }

    private bool Advance(Lane lane)
    {
        var progress = StartReady(lane);
        for (var i = 0; i < lane.Active.Count; i++)
        {
            var operation = lane.Active[i];
            if (!TryAdvance(lane, operation))
            {
                continue;
            }

            lane.Active.RemoveAt(i--);
            progress = true;
        }

        return progress | StartReady(lane);
    }

    /// <summary>Starts waiting operations as long as those before have started their last call: MPI matches calls in their order.</summary>
    private bool StartReady(Lane lane)
    {
        var progress = false;
        while (lane.Waiting.Count > 0 && (lane.Active.Count == 0 || lane.Active[^1].AllIssued))
        {
            var operation = lane.Waiting.Dequeue();
            operation.StartedAt = Stopwatch.GetTimestamp();
            progress = true;
            try
            {
                operation.Start();
                bells.RingOthers(lane.Ranks);
                lane.Active.Add(operation);
            }
            catch (Exception e)
            {
                End(lane, operation, e);
            }
        }

        return progress;
    }

    private bool TryAdvance(Lane lane, CollectiveOperation operation)
    {
        try
        {
            if (!operation.Advance())
            {
                return false;
            }

            End(lane, operation, null);
        }
        catch (Exception e)
        {
            End(lane, operation, e);
        }

        return true;
    }

    private void End(Lane lane, CollectiveOperation operation, Exception? failure)
    {
        operation.Release();
        bells.RingOthers(lane.Ranks);
        Ended?.Invoke(lane, operation);
        operation.Pending.Complete(failure);
    }
}
