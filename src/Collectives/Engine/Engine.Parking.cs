using OpenEmbedding.Collectives.Mpi;

namespace OpenEmbedding.Collectives;

/// <content>Threads that wait while another one drives.</content>
internal sealed partial class Engine
{
    private void Park(IWaitCondition condition)
    {
        if (Volatile.Read(ref _driver) == Momentary)
        {
            _ = NativeMethods.SchedYield();
            return;
        }

        var parking = Parking.OfThread;
        parking.Condition = condition;
        lock (_parked)
        {
            _parked.Add(parking);
            _parkedCount = _parked.Count;
        }

        // The driver leaves first and counts the parked after; this thread counts itself first and looks for the driver after. One sees the other.
        Interlocked.MemoryBarrier();
        if (Volatile.Read(ref _driver) != Waiter || condition.IsMet || _failure != null)
        {
            if (Unpark(parking))
            {
                return;
            }
        }

        parking.Wake.Wait();
    }

    private bool Unpark(Parking parking)
    {
        lock (_parked)
        {
            var removed = _parked.Remove(parking);
            _parkedCount = _parked.Count;
            return removed;
        }
    }

    /// <summary>Lets one parked thread take the role that is free.</summary>
    private void HandOver()
    {
        Interlocked.MemoryBarrier();
        if (_parkedCount > 0 && Volatile.Read(ref _driver) == NoDriver)
        {
            lock (_parked)
            {
                if (_parked.Count > 0)
                {
                    WakeAt(_parked.Count - 1);
                }
            }
        }
    }

    private void WakeMet()
    {
        lock (_parked)
        {
            for (var i = _parked.Count - 1; i >= 0; i--)
            {
                if (_failure != null || _parked[i].Condition.IsMet)
                {
                    WakeAt(i);
                }
            }
        }
    }

    private void WakeAt(int index)
    {
        var parking = _parked[index];
        _parked.RemoveAt(index);
        _parkedCount = _parked.Count;
        parking.Wake.Release();
    }

    /// <summary>A thread that is parked, and the condition it waits for.</summary>
    private sealed class Parking
    {
        [ThreadStatic]
        private static Parking? _ofThread;

        internal static Parking OfThread => _ofThread ??= new Parking();

        internal SemaphoreSlim Wake { get; } = new(0);

        internal IWaitCondition Condition { get; set; } = Never.Instance;
    }

    /// <summary>A wait that only the hand-over of the role ends.</summary>
    private sealed class Never : IWaitCondition
    {
        internal static readonly Never Instance = new();

        public bool IsMet => false;
    }
}
