using OpenEmbedding.Collectives.Mpi;

namespace OpenEmbedding.Collectives;

/// <summary>One collective operation under way: a row of calls of MPI, each started when the ones before it are complete.</summary>
internal abstract class CollectiveOperation
{
    private bool _allIssued;

    /// <summary>The name its caller gave, such as a tensor's.</summary>
    internal required string Name { get; init; }

    /// <summary>The order in which the process set's operations run; the same on every rank.</summary>
    internal long Sequence { get; set; }

    /// <summary>When it was asked for, in stopwatch ticks.</summary>
    internal long SubmittedAt { get; set; }

    /// <summary>When its first call started, in stopwatch ticks.</summary>
    internal long StartedAt { get; set; }

    /// <summary>What it is, such as "all-reduce".</summary>
    internal abstract string Kind { get; }

    /// <summary>The number of elements or bytes, as messages show it.</summary>
    internal abstract string Extent { get; }

    internal required Pending Pending { get; init; }

    /// <summary>The ranks it runs on.</summary>
    internal required Intracommunicator Communicator { get; init; }

    /// <summary>The most bytes that go into one call of MPI, whose counts are 32 bits wide.</summary>
    internal long CallBytes { get; init; } = 1L << 30;

    /// <summary>Whether its last call is started, so that the next operation's calls may follow in the order all ranks share.</summary>
    internal virtual bool AllIssued => _allIssued;

    /// <summary>Says that no further call follows.</summary>
    protected void IssuedAll() => _allIssued = true;

    protected RequestSet Requests { get; } = new();

    /// <summary>Starts the first calls.</summary>
    internal abstract void Start();

    /// <summary>Makes progress; true when the operation is complete.</summary>
    internal virtual bool Advance()
    {
        while (Requests.Test())
        {
            if (AllIssued)
            {
                Finish();
                return true;
            }

            Continue();
        }

        return false;
    }

    /// <summary>Gives back what the operation holds, whether it succeeded or not.</summary>
    internal virtual void Release()
    {
    }

    /// <summary>Starts the next calls, once all before are complete.</summary>
    protected virtual void Continue() => IssuedAll();

    /// <summary>Does what is left when all calls are complete.</summary>
    protected virtual void Finish()
    {
    }
}
