namespace OpenEmbedding.Collectives;

/// <summary>Drives all communication of the process, one thread at a time: who waits drives, and a thread of its own drives otherwise.</summary>
/// <remarks>
/// A thread that waits takes the role of the driver and polls until its condition is met, so that a short operation costs no change of
/// threads. A second waiter parks; the driver wakes it when its condition is met, and hands the role over when its own is.
/// </remarks>
internal sealed partial class Engine : IWaiting
{
    private const int NoDriver = 0;

    // Held for one round; others yield until it is free.
    private const int Momentary = 1;

    // Held until a condition is met; others park.
    private const int Waiter = 2;

    private readonly List<Parking> _parked = [];
    private readonly IPolled[] _polled;
    private readonly Doorbell _bell;
    private readonly bool _sleepsLong;
    private int _driver;
    private int _waiters;
    private volatile int _parkedCount;
    private volatile Exception? _failure;
    private long _cycleTicks;

    /// <summary>Makes an engine of a process that rings its bell itself.</summary>
    internal Engine(params IPolled[] polled)
        : this(new HostBells(), polled)
    {
    }

    /// <summary>Makes an engine that sleeps on this process's bell.</summary>
    internal Engine(HostBells bells, params IPolled[] polled)
    {
        _bell = bells.Own;
        _sleepsLong = bells.SleepsLong;
        _cycleTicks = bells.UsualCycleTime.Ticks;
        _polled = polled;
    }

    /// <summary>The longest sleep between two polls, at least 0.05 ms; waits that are under way keep theirs.</summary>
    internal TimeSpan CycleTime
    {
        get => TimeSpan.FromTicks(Volatile.Read(ref _cycleTicks));
        set => Volatile.Write(ref _cycleTicks, value.Ticks);
    }

    private bool HasWork
    {
        get
        {
            foreach (var polled in _polled)
            {
                if (polled.HasWork)
                {
                    return true;
                }
            }

            return false;
        }
    }

    /// <summary>Returns once the condition is met.</summary>
    /// <exception cref="OpenEmbeddingException">Communication as a whole failed.</exception>
    public void Wait(IWaitCondition condition)
    {
        var backOff = BackOff.OfWaiter(CycleTime, _sleepsLong);
        Interlocked.Increment(ref _waiters);
        try
        {
            while (!condition.IsMet)
            {
                ThrowIfFailed();
                if (TryDrive(Waiter))
                {
                    Drive(condition, ref backOff);
                }
                else
                {
                    Park(condition);
                }
            }
        }
        finally
        {
            HandOver();
            if (Interlocked.Decrement(ref _waiters) == 0 && HasWork)
            {
                WakeThread();
            }
        }
    }

    /// <summary>Wakes the threads whose condition became met outside a poll, parked or asleep.</summary>
    public void Signal()
    {
        _bell.Ring();
        if (_parkedCount > 0)
        {
            WakeMet();
        }
    }

    /// <summary>Makes a round of progress now if nobody drives; a driver sees new work in its next round.</summary>
    internal void Kick()
    {
        if (TryDrive(Momentary))
        {
            try
            {
                Poll();
            }
            finally
            {
                Leave();
            }

            HandOver();
        }

        _bell.Ring();
        if (Volatile.Read(ref _waiters) == 0)
        {
            WakeThread();
        }
    }

    /// <summary>Runs a blocking call of MPI while nobody else drives.</summary>
    internal T Exclusive<T>(Func<T> call)
    {
        while (!TryDrive(Waiter))
        {
            Park(Never.Instance);
        }

        try
        {
            return call();
        }
        finally
        {
            Leave();
            HandOver();
        }
    }

    private void Drive(IWaitCondition condition, ref BackOff backOff)
    {
        var rings = _bell.Rings;
        try
        {
            while (!condition.IsMet && _failure == null)
            {
                rings = _bell.Rings;
                if (Poll())
                {
                    backOff.Reset();
                }
                else if (!condition.IsMet)
                {
                    if (backOff.Sleeps)
                    {
                        break;
                    }

                    backOff.Pause(_bell, rings);
                }
            }
        }
        finally
        {
            Leave();
        }

        if (backOff.Sleeps && !condition.IsMet)
        {
            // Asleep without the role: a thread with something to do does not wait for this one to wake.
            backOff.Pause(_bell, rings);
        }
    }

    private bool TryDrive(int role) => Interlocked.CompareExchange(ref _driver, role, NoDriver) == NoDriver;

    private void Leave() => Interlocked.Exchange(ref _driver, NoDriver);

    private bool Poll()
    {
        var progress = false;
        try
        {
            foreach (var polled in _polled)
            {
                progress |= polled.Poll();
            }
        }
        catch (Exception e)
        {
            // Whoever happens to drive is not the one at fault: every wait reports it.
            _failure ??= e;
            progress = true;
        }

        if (progress)
        {
            Signal();
        }

        return progress;
    }

    private void ThrowIfFailed()
    {
        if (_failure is { } failure)
        {
            throw failure as OpenEmbeddingException
                ?? new OpenEmbeddingException($"communication failed: {failure.Message}", JobExitCode.Failure, failure);
        }
    }
}
