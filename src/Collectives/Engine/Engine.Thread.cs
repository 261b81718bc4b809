namespace OpenEmbedding.Collectives;

/// <content>The thread that drives while nobody waits.</content>
internal sealed partial class Engine
{
    // How often an idle process looks for messages of the control channel, such as "how far are you?".
    private static readonly TimeSpan _idleInterval = TimeSpan.FromMilliseconds(20);

    private readonly ManualResetEventSlim _wakeThread = new(false, spinCount: 0);
    private Thread? _thread;
    private volatile bool _threadIdle;
    private volatile bool _stopping;

    internal void StartThread()
    {
        _thread = new Thread(RunThread) { IsBackground = true, Name = "communication" };
        _thread.Start();
    }

    /// <summary>Ends the thread; the caller is the only one left to use the engine.</summary>
    internal void StopThread()
    {
        _stopping = true;
        _wakeThread.Set();
        _thread?.Join();
    }

    private void WakeThread()
    {
        if (_threadIdle)
        {
            _wakeThread.Set();
        }
    }

    private void RunThread()
    {
        var backOff = BackOff.OfThread(CycleTime, _sleepsLong);
        while (!_stopping && _failure == null)
        {
            var rings = _bell.Rings;
            var progress = false;
            if (!OthersDrive && TryDrive(Momentary))
            {
                progress = Poll();
                Leave();
                HandOver();
            }

            if (progress)
            {
                backOff = BackOff.OfThread(CycleTime, _sleepsLong);
            }
            else if (HasWork && !OthersDrive)
            {
                backOff.Pause(_bell, rings);
            }
            else
            {
                Idle();
                backOff = BackOff.OfThread(CycleTime, _sleepsLong);
            }
        }
    }

    // Who waits drives; this thread then stays out of the way.
    private bool OthersDrive => Volatile.Read(ref _waiters) > 0;

    private void Idle()
    {
        _threadIdle = true;
        Interlocked.MemoryBarrier(); // says that it is idle before it looks once more
        if (OthersDrive || !HasWork)
        {
            _wakeThread.Wait(_idleInterval);
        }

        _threadIdle = false;
        _wakeThread.Reset();
    }
}
