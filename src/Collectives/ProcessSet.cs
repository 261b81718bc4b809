using OpenEmbedding.Collectives.Mpi;

namespace OpenEmbedding.Collectives;

/// <summary>A set of ranks and their collective operations; every member calls the same operations in the same order.</summary>
/// <remarks>
/// Any thread may call; with several threads, the program sees to it that the order is the same on every rank. Buffers of asynchronous
/// operations stay in place, native or pinned, until the <see cref="Pending"/> is complete; names appear in the timeline and in warnings.
/// </remarks>
public sealed partial class ProcessSet
{
    private readonly Communication _communication;
    private readonly Intracommunicator? _communicator;
    private readonly Lane? _lane;

    internal ProcessSet(Communication communication, int id, int[] ranks, Intracommunicator? communicator)
    {
        _communication = communication;
        _communicator = communicator;
        _lane = communicator == null ? null : new Lane(id, communicator, ranks);
        Ranks = ranks;
        Rank = Array.IndexOf(ranks, communication.Rank);
    }

    /// <summary>This process's rank within the set, 0 to <see cref="Size"/> − 1; −1 when it is not a member.</summary>
    public int Rank { get; }

    /// <summary>The number of members.</summary>
    public int Size => Ranks.Count;

    /// <summary>The job's rank of each member.</summary>
    public IReadOnlyList<int> Ranks { get; }

    /// <summary>Whether this process is a member; others may not call the set's operations.</summary>
    public bool IsMember => Rank >= 0;

    /// <summary>The groups of this member in reductions in own code.</summary>
    internal int[][] ReductionGroups
    {
        get => field ??= HostGrid.Groups([.. Ranks.Select(rank => _communication.Hosts[rank])], Rank);
        set;
    }

    // A set of one needs no messages: each operation is a copy at most.
    private bool IsAlone => Size == 1;

    internal Lane? Lane => _lane;

    /// <summary>Makes a set of the same members whose operations may come between those of this one in any order; every member calls it.</summary>
    public ProcessSet Duplicate()
    {
        CheckMember();
        return _communication.Duplicate(this, _communicator);
    }

    internal void Free()
    {
        _link?.Dispose();
        _communicator?.Dispose();
    }

    private long CallBytes => _communication.Options.CallBytes;

    private void CheckMember()
    {
        if (!IsMember)
        {
            throw new InvalidOperationException(
                $"rank {_communication.Rank} is not in the process set [{string.Join(", ", Ranks)}]");
        }
    }

    private Pending NewPending() => new(_communication.Engine);

    /// <summary>Starts an operation that somebody waits for later.</summary>
    private Pending Begin(CollectiveOperation? operation)
    {
        if (operation == null)
        {
            return Pending.Done;
        }

        _communication.Queue.Submit(_lane!, operation);
        _communication.Engine!.Kick();
        return operation.Pending;
    }

    /// <summary>Starts an operation and waits for it: this thread drives, and no other is woken.</summary>
    private void Complete(CollectiveOperation? operation)
    {
        if (operation != null)
        {
            _communication.Queue.Submit(_lane!, operation);
            operation.Pending.Wait();
        }
    }
}
