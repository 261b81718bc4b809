using OpenEmbedding.Collectives.Mpi;

namespace OpenEmbedding.Collectives;

/// <summary>The communication of one process of a job: who the ranks are, their collective operations and their messages.</summary>
/// <remarks>One in a process. Any thread may use it; a process set's operations run in the same order on every rank.</remarks>
/// <example><code>
/// using var communication = Communication.Start();
/// Span&lt;float&gt; data = [communication.Rank];
/// communication.World.AllReduce(data);     // 0 + 1 + … on every rank
/// </code></example>
public sealed partial class Communication : IDisposable
{
    // Long enough for the last rank to come out of the last exchange, see LeaveTogether.
    private const uint SilenceMicroseconds = 500_000;

    private readonly Intracommunicator? _world;
    private readonly Intracommunicator? _messageCommunicator;
    private readonly Intracommunicator? _pieceCommunicator;
    private readonly MpiMessenger _messenger;
    private readonly HostBells _bells;
    private readonly CollectiveQueue _queue;
    private readonly Engine? _engine;
    private readonly JoinBoard? _joins;
    // Replaced, never changed: the thread that drives reads it at any time.
    private volatile ProcessSet[] _sets = [];
    private bool _disposed;

    private Communication(CommunicationOptions options, Intracommunicator? world)
    {
        Check(options);
        Options = options;
        _world = world;
        Rank = world?.Rank ?? 0;
        Size = world?.Size ?? 1;
        _bells = world == null ? new HostBells() : new HostBells(world);
        _queue = new CollectiveQueue(_bells);
        if (world == null)
        {
            _messenger = new MpiMessenger(0, 1, null, _bells);
        }
        else
        {
            _messageCommunicator = world.Duplicate();
            _pieceCommunicator = world.Duplicate();
            _messenger = new MpiMessenger(
                Rank, Size, new LongMessages(_messageCommunicator, _pieceCommunicator, options.CallBytes), _bells);
            var control = new ControlChannel(_messenger);
            _joins = new JoinBoard(_queue, control, LaneOf, (lane, data, reduce) => _sets[lane.Id].NewJoined(data, reduce));
            var rules = new StallRules(() => Options, PlaceOf, Console.Error.WriteLine, GiveUp);
            var stalls = new StallInspector(_queue, control, LaneOf, rules);
            _messenger.Watching = stalls.Watch;
            _messenger.Handle(TimelineChannel, OnTimeline);
            _queue.Ended = OnEnded;
            _engine = new Engine(_bells, _queue, _messenger, _joins, stalls);
            _engine.CycleTime = CycleTime;
        }

        _messenger.Attach(_engine);
        World = AddSet([.. Enumerable.Range(0, Size)], world);
        HostName = Launch.HostName;
        _originTicks = World.BroadcastObject(DateTime.UtcNow.Ticks);
        Hosts = World.AllGatherObject(HostName);
        LocalRank = Hosts.Take(Rank).Count(host => host == HostName);
        LocalSize = Hosts.Count(host => host == HostName);
        KeepTimeline();
        _engine?.StartThread();
    }

    /// <summary>This process's rank, 0 to <see cref="Size"/> − 1.</summary>
    public int Rank { get; }

    /// <summary>The number of ranks in the job.</summary>
    public int Size { get; }

    /// <summary>This process's rank among those of its host.</summary>
    public int LocalRank { get; }

    /// <summary>The number of ranks on this host.</summary>
    public int LocalSize { get; }

    /// <summary>The host as the launcher knows it.</summary>
    public string HostName { get; }

    /// <summary>The host of each rank.</summary>
    public IReadOnlyList<string> Hosts { get; }

    /// <summary>All ranks.</summary>
    public ProcessSet World { get; }

    /// <summary>Messages from rank to rank.</summary>
    public IMessenger Messenger => _messenger;

    internal CommunicationOptions Options { get; private set; }

    internal CollectiveQueue Queue => _queue;

    internal Engine? Engine => _engine;

    internal JoinBoard? Joins => _joins;

    /// <summary>Makes a set of ranks with collective operations of its own; every rank of the job calls it, in the same order.</summary>
    /// <param name="ranks">The members in the order of their ranks within the set; distinct, and the same on every rank.</param>
    /// <returns>The set; of one to which this rank does not belong, <see cref="ProcessSet.Rank"/> is −1.</returns>
    public ProcessSet CreateProcessSet(IReadOnlyList<int> ranks)
    {
        if (ranks.Distinct().Count() != ranks.Count || ranks.Any(rank => rank < 0 || rank >= Size))
        {
            throw new ArgumentException(
                $"a process set needs distinct ranks from 0 to {Size - 1}, not [{string.Join(", ", ranks)}]", nameof(ranks));
        }

        var key = ranks.ToList().IndexOf(Rank);
        if (_world == null)
        {
            return AddSet([.. ranks], null);
        }

        // The polled barrier waits for the slow ranks, so that the call that follows, which spins, is short.
        World.Barrier();
        return _engine!.Exclusive(() => AddSet([.. ranks], _world.Split(key >= 0, key)));
    }

    /// <summary>Makes a set of the members of another; they alone call it, in the same order.</summary>
    internal ProcessSet Duplicate(ProcessSet set, Intracommunicator? communicator)
    {
        if (communicator == null)
        {
            return AddSet([.. set.Ranks], null);
        }

        set.Barrier("duplicate");
        return _engine!.Exclusive(() => AddSet([.. set.Ranks], communicator.Duplicate()));
    }

    /// <summary>The longest sleep of a waiting thread between two looks for messages.</summary>
    public TimeSpan CycleTime => Options.CycleTime ?? _bells.UsualCycleTime;

    /// <summary>Sets the fusion buffer, the cycle time, the stall warning and the timeline once the configuration is known; the same on every rank.</summary>
    /// <param name="options">The settings.</param>
    public void Configure(CommunicationOptions options)
    {
        Check(options);
        Apply(options with { CallBytes = Options.CallBytes });
        KeepTimeline();
    }

    /// <summary>Changes the settings that may change while the job runs.</summary>
    /// <param name="fusionBufferBytes">The size of the fusion buffer, at least 1; every rank of a process set sets it between the same two operations.</param>
    /// <param name="cycleTime">The longest sleep of this rank between two looks for messages.</param>
    public void Tune(long fusionBufferBytes, TimeSpan cycleTime)
    {
        CommunicationOptions options = Options with { FusionBufferBytes = fusionBufferBytes, CycleTime = cycleTime };
        Check(options);
        Apply(options);
    }

    private void Apply(CommunicationOptions options)
    {
        Options = options;
        if (_engine != null)
        {
            _engine.CycleTime = CycleTime;
        }
    }

    private static void Check(CommunicationOptions options)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(options.FusionBufferBytes, 1);
        if (options.CycleTime is { } cycleTime)
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(cycleTime, CommunicationOptions.ShortestCycleTime);
        }
    }

    /// <summary>Writes the timeline and ends MPI, once every rank has come here.</summary>
    /// <remarks>A rank that failed does not come here by itself but calls <see cref="Abort"/>, or leaves that to <see cref="Run"/>.</remarks>
    public void Dispose()
    {
        if (_disposed)
        {
            return;
        }

        _disposed = true;
        WriteTimeline();
        if (_world != null)
        {
            Finish();
        }

        _signals?.Dispose();
    }

    private void Finish()
    {
        if (_bells.CoversJob)
        {
            World.Barrier();
        }
        else
        {
            World.MeetInPairs("end");
        }

        _engine!.StopThread();
        _pieceCommunicator!.Dispose();
        _messageCommunicator!.Dispose();
        foreach (var set in _sets)
        {
            set.Free();
        }

        _bells.Dispose();
        LeaveTogether();
        MpiException.Check(NativeMethods.MPI_Finalize(), "MPI_Finalize", Rank, 0);
    }

    /// <summary>Keeps a rank from ending MPI before another has asked it for its last word.</summary>
    /// <remarks>
    /// MPI_Finalize of MPICH before 4.2 over UCX's TCP closes a connection by asking the other side, if anything was sent on it since the last
    /// time, whether all has come. Who has its answers no longer answers, and whoever asks it later hangs. Therefore every rank has sent
    /// something to every other, so that each waits for all, and none answers in the time between: an answer then comes from a rank that is
    /// in MPI_Finalize itself, behind its own question on the same connection.
    /// </remarks>
    private void LeaveTogether()
    {
        if (!_bells.CoversJob)
        {
            _ = NativeMethods.Sleep(SilenceMicroseconds);
        }
    }

    // Messages have negative numbers.
    private Lane? LaneOf(int set) => set >= 0 && set < _sets.Length ? _sets[set].Lane : null;

    private string PlaceOf(int rank) => LocalSize == Size ? "" : $" on {Hosts[rank]}";

    private void GiveUp(string line)
    {
        Console.Error.WriteLine(FormattableString.Invariant($"{line}; the job ends, as it is not to wait longer than {Options.StallShutdown.TotalSeconds} s"));
        Abort(JobExitCode.Stalled);
    }

    private ProcessSet AddSet(int[] ranks, Intracommunicator? communicator)
    {
        var set = new ProcessSet(this, _sets.Length, ranks, communicator);
        _sets = [.. _sets, set];
        return set;
    }
}
