using OpenEmbedding.Collectives.Mpi;

namespace OpenEmbedding.Collectives;

/// <summary>The operations of one process set, in the order that all its ranks share; for the thread that drives.</summary>
internal sealed class Lane(int id, Intracommunicator communicator, IReadOnlyList<int> ranks)
{
    // What a rank that joins may have missed: those it has not yet taken part in, and few are under way at a time.
    private const int RecentLength = 256;

    private readonly CollectiveOperation?[] _recent = new CollectiveOperation?[RecentLength];

    /// <summary>The number of the process set, the same on every rank; the world is 0.</summary>
    internal int Id { get; } = id;

    internal Intracommunicator Communicator { get; } = communicator;

    /// <summary>The job's ranks of the members.</summary>
    internal IReadOnlyList<int> Ranks { get; } = ranks;

    /// <summary>The members that have joined.</summary>
    internal JoinedRanks Joined { get; } = new(ranks.Count);

    /// <summary>The job's rank that was the last to join when all last had.</summary>
    internal int LastJoined { get; set; }

    /// <summary>The number of operations that this rank has asked for.</summary>
    internal long NextSequence { get; private set; }

    internal Queue<CollectiveOperation> Waiting { get; } = new();

    internal List<CollectiveOperation> Active { get; } = [];

    internal bool IsIdle => Waiting.Count == 0 && Active.Count == 0;

    /// <summary>The operation that has waited longest, if any.</summary>
    internal CollectiveOperation? Oldest => Active.Count > 0 ? Active[0] : Waiting.Count > 0 ? Waiting.Peek() : null;

    /// <summary>Deals the operation the next place in the order.</summary>
    internal void Add(CollectiveOperation operation)
    {
        operation.Sequence = NextSequence++;
        _recent[operation.Sequence % RecentLength] = operation;
        Waiting.Enqueue(operation);
    }

    /// <summary>One of the operations asked for last.</summary>
    internal CollectiveOperation Recent(long sequence) =>
        _recent[sequence % RecentLength] is { } operation && operation.Sequence == sequence
            ? operation
            : throw new OpenEmbeddingException(
                $"a rank joined {NextSequence - sequence} operations behind this one; at most {RecentLength} are remembered",
                JobExitCode.Cluster);
}
