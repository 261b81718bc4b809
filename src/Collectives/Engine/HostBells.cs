using OpenEmbedding.Collectives.Mpi;

namespace OpenEmbedding.Collectives;

/// <summary>The doorbells of this host's ranks, in memory that they share, so that a rank can sleep and need not look for messages all the time.</summary>
/// <remarks>MPI itself can only be polled. Ranks of other hosts cannot ring; what they send is found by polling.</remarks>
internal sealed unsafe class HostBells : IDisposable
{
    // A rank computes and serves.
    private const int CoresOfRoomyRank = 2;

    private readonly Intracommunicator? _host;
    private readonly int _window;
    private readonly Doorbell?[] _byRank;

    /// <summary>Makes the bell of a process that is alone.</summary>
    internal HostBells()
    {
        Own = new Doorbell();
        _byRank = [Own];
        CoversJob = true;
    }

    /// <summary>Maps the bells of the host's ranks; every rank of the job calls it. Blocks until all of the host have.</summary>
    internal HostBells(Intracommunicator world)
    {
        _host = world.SplitByHost();
        (_window, var own) = _host.AllocateShared(Doorbell.Bytes);
        Own = new Doorbell(own) { Rank = world.Rank };
        var arrived = _host.ImmediateBarrier();
        while (!arrived.Test())
        {
            _ = NativeMethods.SchedYield();
        }

        _byRank = new Doorbell[world.Size];
        for (var member = 0; member < _host.Size; member++)
        {
            var bell = new Doorbell(_host.SharedOf(_window, member));
            _byRank[bell.Rank] = bell;
        }

        CoversJob = _host.Size == world.Size;
    }

    /// <summary>This process's bell.</summary>
    internal Doorbell Own { get; }

    /// <summary>Whether every rank of the job can ring: nothing arrives unheard.</summary>
    internal bool CoversJob { get; }

    /// <summary>Whether sleeps are as long as the silence: where all can ring, and where a look for messages takes the core from another rank.</summary>
    internal bool SleepsLong => CoversJob || Environment.ProcessorCount < CoresOfRoomyRank * _host!.Size;

    /// <summary>The cycle time where none is set: what rings ends a sleep, so it may be long; what comes from other hosts waits for its end.</summary>
    internal TimeSpan UsualCycleTime => TimeSpan.FromMilliseconds(CoversJob ? 4 : 1);

    /// <summary>Wakes a rank that sleeps, if it is one of this host.</summary>
    internal void Ring(int rank) => _byRank[rank]?.Ring();

    /// <summary>Wakes those of the ranks that are others of this host.</summary>
    internal void RingOthers(IReadOnlyList<int> ranks)
    {
        for (var i = 0; i < ranks.Count; i++)
        {
            if (_byRank[ranks[i]] is { } bell && bell.Rank != Own.Rank)
            {
                bell.Ring();
            }
        }
    }

    /// <summary>Gives the memory back; every rank calls it, and none rings any more.</summary>
    public void Dispose()
    {
        if (_host != null)
        {
            _host.FreeShared(_window);
            _host.Dispose();
        }
    }
}
