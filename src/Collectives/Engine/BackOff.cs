using System.Diagnostics;
using OpenEmbedding.Collectives.Mpi;

namespace OpenEmbedding.Collectives;

/// <summary>How long to pause between two polls: give the core away while something is expected, then sleep in step with the silence.</summary>
/// <remarks>
/// With more ranks than cores a poll that does not yield costs the others their time slice, and one that only yields still takes a share of
/// the core from those that compute. A ring of the <see cref="Doorbell"/> ends a sleep at once; where all ranks can ring, or cores are scarce, it is as long
/// as the silence so far. Else it is a small part of the silence, and delays what comes by that part at most.
/// </remarks>
internal struct BackOff
{
    internal const int ShortestMicroseconds = 50;

    private const int YieldsBetweenClockReadings = 16;
    private const int SilencePerSleep = 16;

    private readonly TimeSpan _yieldFor;
    private readonly int _silencePerSleep;
    private readonly double _longestMicroseconds;
    private long _silentSince;
    private int _yields;
    private int _sleep;

    private BackOff(TimeSpan yieldFor, TimeSpan longest, bool sleepsLong)
    {
        _yieldFor = yieldFor;
        _silencePerSleep = sleepsLong ? 1 : SilencePerSleep;
        _longestMicroseconds = longest.TotalMicroseconds;
    }

    /// <summary>Whether the next pause sleeps.</summary>
    internal readonly bool Sleeps => _sleep > 0;

    /// <summary>For a thread that has nothing to do until its wait is over.</summary>
    /// <param name="longest">The longest sleep: short where some rank cannot ring.</param>
    /// <param name="sleepsLong">Whether sleeps are as long as the silence.</param>
    internal static BackOff OfWaiter(TimeSpan longest, bool sleepsLong) => new(TimeSpan.FromMicroseconds(50), longest, sleepsLong);

    /// <summary>For the thread that drives while the others compute: it takes little of their time.</summary>
    /// <param name="longest">The longest sleep: short where some rank cannot ring.</param>
    /// <param name="sleepsLong">Whether sleeps are as long as the silence.</param>
    internal static BackOff OfThread(TimeSpan longest, bool sleepsLong) => new(TimeSpan.FromMicroseconds(20), longest, sleepsLong);

    internal void Reset()
    {
        _silentSince = 0;
        _yields = 0;
        _sleep = 0;
    }

    /// <summary>Yields the core, or sleeps until <paramref name="bell"/> rings.</summary>
    /// <param name="bell">This process's bell.</param>
    /// <param name="rings">Its count before the poll that found nothing.</param>
    internal void Pause(Doorbell bell, int rings)
    {
        if (_sleep > 0)
        {
            bell.Sleep(rings, _sleep);
            if (bell.Rings != rings)
            {
                Reset();
                return;
            }

            ReadClock();
        }
        else
        {
            _ = NativeMethods.SchedYield();
            if (++_yields % YieldsBetweenClockReadings == 0)
            {
                ReadClock();
            }
        }
    }

    private void ReadClock()
    {
        var now = Stopwatch.GetTimestamp();
        if (_silentSince == 0)
        {
            _silentSince = now;
        }

        var silence = Stopwatch.GetElapsedTime(_silentSince, now);
        _sleep = silence > _yieldFor
            ? (int)Math.Clamp(silence.TotalMicroseconds / _silencePerSleep, ShortestMicroseconds, _longestMicroseconds)
            : 0;
    }
}
