using System.Diagnostics;
using OpenEmbedding.Collectives.Mpi;

namespace OpenEmbedding.Collectives;

/// <summary>How long to pause between two polls: give the core away while something is expected, sleep after a long silence.</summary>
/// <remarks>
/// With more ranks than cores a poll that does not yield costs the others their time slice, and one that sleeps adds its sleep to every hop.
/// </remarks>
internal struct BackOff
{
    private const int YieldsBetweenClockReadings = 32;
    private const uint ShortMicroseconds = 50;
    private const uint LongMicroseconds = 1000;

    private readonly TimeSpan _yieldFor;
    private readonly TimeSpan _shortFor;
    private long _silentSince;
    private int _yields;
    private uint _sleep;

    private BackOff(TimeSpan yieldFor, TimeSpan shortFor)
    {
        _yieldFor = yieldFor;
        _shortFor = shortFor;
    }

    /// <summary>For a thread that has nothing to do until its wait is over.</summary>
    internal static BackOff OfWaiter => new(TimeSpan.FromMilliseconds(20), TimeSpan.FromSeconds(1));

    /// <summary>For the thread that drives while the others compute: it takes little of their time.</summary>
    internal static BackOff OfThread => new(TimeSpan.FromMicroseconds(20), TimeSpan.FromMilliseconds(100));

    /// <summary>Whether the next pause sleeps.</summary>
    internal readonly bool Sleeps => _sleep > 0;

    internal void Reset()
    {
        _silentSince = 0;
        _yields = 0;
        _sleep = 0;
    }

    internal void Pause()
    {
        if (_sleep > 0)
        {
            _ = NativeMethods.Sleep(_sleep);
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
        _sleep = silence > _shortFor ? LongMicroseconds : silence > _yieldFor ? ShortMicroseconds : 0;
    }
}
