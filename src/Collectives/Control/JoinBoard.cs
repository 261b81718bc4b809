using System.Collections.Concurrent;
using System.Runtime.InteropServices;

namespace OpenEmbedding.Collectives;

/// <summary>Lets ranks that ran out of data take part in the others' reductions until the last has joined.</summary>
/// <remarks>
/// A rank that joins tells all members how far it came. Those still at work answer with every reduction from there on, and the joined
/// rank takes part with neutral elements. When all have joined, all have done the operations of the one that came farthest.
/// </remarks>
internal sealed unsafe class JoinBoard : IPolled
{
    private readonly CollectiveQueue _queue;
    private readonly ControlChannel _control;
    private readonly Func<int, Lane?> _laneOf;
    private readonly Func<Lane, nint, ControlMessage, ReductionOperation> _newReduction;
    private readonly ConcurrentQueue<(Lane Lane, Pending Pending)> _joining = new();
    private readonly Dictionary<int, Waiting> _waiting = [];

    internal JoinBoard(
        CollectiveQueue queue,
        ControlChannel control,
        Func<int, Lane?> laneOf,
        Func<Lane, nint, ControlMessage, ReductionOperation> newReduction)
    {
        _queue = queue;
        _control = control;
        _laneOf = laneOf;
        _newReduction = newReduction;
        queue.Ordered += OnOrdered;
        control.Handle(ControlKind.Join, OnJoin);
        control.Handle(ControlKind.Reduce, OnReduce);
        control.Handle(ControlKind.Other, OnOther);
    }

    public bool HasWork => !_joining.IsEmpty || _waiting.Count > 0;

    /// <summary>Joins this rank; complete when all members have. Any thread may call.</summary>
    internal void Submit(Lane lane, Pending pending) => _joining.Enqueue((lane, pending));

    public bool Poll()
    {
        var progress = false;
        while (_joining.TryDequeue(out var item))
        {
            Begin(item.Lane, item.Pending);
            progress = true;
        }

        if (_waiting.Count == 0)
        {
            return progress;
        }

        foreach (var (id, waiting) in _waiting)
        {
            if (waiting.Lane.IsIdle && waiting.Lane.Joined.IsComplete(waiting.Lane.NextSequence))
            {
                _waiting.Remove(id);
                waiting.Lane.LastJoined = waiting.Lane.Joined.Last;
                waiting.Lane.Joined.Clear();
                waiting.End(null);
                return true;
            }
        }

        return progress;
    }

    private void Begin(Lane lane, Pending pending)
    {
        _waiting.Add(lane.Id, new Waiting(lane, pending));
        lane.Joined.Add(_control.Rank, lane.NextSequence);
        _control.SendToOthers(lane, new ControlMessage(ControlKind.Join, lane.Id, lane.NextSequence));
    }

    private void OnOrdered(Lane lane, CollectiveOperation operation)
    {
        if (!lane.Joined.IsEmpty && !_waiting.ContainsKey(lane.Id))
        {
            foreach (var rank in lane.Joined.Ranks)
            {
                Announce(rank, lane, operation);
            }
        }
    }

    private void OnJoin(int source, ControlMessage join)
    {
        var lane = _laneOf(join.Set) ?? throw new OpenEmbeddingException($"rank {source} joined an unknown process set {join.Set}");
        lane.Joined.Add(source, join.Sequence);
        if (_waiting.ContainsKey(lane.Id))
        {
            return;
        }

        // What this rank has already asked for waits for the rank that joined.
        for (var sequence = join.Sequence; sequence < lane.NextSequence; sequence++)
        {
            Announce(source, lane, lane.Recent(sequence));
        }
    }

    private void Announce(int rank, Lane lane, CollectiveOperation operation) =>
        _control.Send(rank, operation is ReductionOperation reduction
            ? new ControlMessage(
                ControlKind.Reduce, lane.Id, operation.Sequence, 0, reduction.Type, reduction.Operation, reduction.Rounds)
            : new ControlMessage(ControlKind.Other, lane.Id, operation.Sequence));

    private void OnReduce(int source, ControlMessage reduce)
    {
        // Every rank still at work announces the operation; the first one counts.
        if (!_waiting.TryGetValue(reduce.Set, out var waiting) || reduce.Sequence < waiting.Lane.NextSequence)
        {
            return;
        }

        var bytes = reduce.Rounds!.Sum() * reduce.Type.SizeOf();
        var neutral = (nint)NativeMemory.Alloc((nuint)Math.Max(1, bytes)); // freed when the join ends
        NeutralElement.Fill(neutral, reduce.Rounds!.Sum(), reduce.Type, reduce.Operation);
        waiting.Buffers.Add(neutral);
        _queue.Order(waiting.Lane, _newReduction(waiting.Lane, neutral, reduce));
    }

    private void OnOther(int source, ControlMessage other)
    {
        if (_waiting.Remove(other.Set, out var waiting))
        {
            waiting.End(new OpenEmbeddingException(
                $"rank {source} began an operation other than an all-reduce while rank {_control.Rank} had joined; only all-reduces go on",
                JobExitCode.Cluster));
        }
    }

    /// <summary>This rank's join, until all have joined.</summary>
    private sealed class Waiting(Lane lane, Pending pending)
    {
        internal Lane Lane { get; } = lane;

        internal List<nint> Buffers { get; } = [];

        internal void End(Exception? failure)
        {
            foreach (var buffer in Buffers)
            {
                NativeMemory.Free((void*)buffer); // allocated in OnReduce; no operation uses it any more
            }

            pending.Complete(failure);
        }
    }
}
