using System.Runtime.InteropServices;
using OpenEmbedding.Collectives.Mpi;

namespace OpenEmbedding.Collectives;

/// <summary>
/// Lets threads of one process sleep until something may have happened; any process that maps the memory can ring.
/// <code>
///   0  int32 rings      counts; the kernel wakes those that sleep on it
///   4  int32 sleepers
///   8  int32 rank       of the owner, by the job's number
/// </code>
/// </summary>
/// <remarks>
/// Who sleeps reads <see cref="Rings"/> before it looks for work: a ring in between ends the sleep at once, so none is lost. A process that
/// dies asleep leaves a sleeper behind, which costs those who ring a call of the kernel and nothing else.
/// </remarks>
internal sealed unsafe class Doorbell
{
    /// <summary>The size of a bell: a cache line of its own.</summary>
    internal const int Bytes = 64;

    private readonly int* _rings;
    private readonly int* _sleepers;
    private readonly int* _rank;

    /// <summary>Makes a bell that only this process rings; its memory lives as long as the process.</summary>
    internal Doorbell()
        : this((nint)NativeMemory.AlignedAlloc(Bytes, Bytes))
    {
        NativeMemory.Clear(_rings, Bytes);
    }

    /// <summary>Takes a bell in shared memory.</summary>
    /// <param name="memory"><see cref="Bytes"/> bytes, aligned to as many.</param>
    internal Doorbell(nint memory)
    {
        _rings = (int*)memory;
        _sleepers = _rings + 1;
        _rank = _rings + 2;
    }

    /// <summary>How often it was rung.</summary>
    internal int Rings => Volatile.Read(ref *_rings);

    /// <summary>The owner, by the job's number.</summary>
    internal int Rank
    {
        get => Volatile.Read(ref *_rank);
        set => Volatile.Write(ref *_rank, value);
    }

    /// <summary>Wakes those that sleep, if any do.</summary>
    internal void Ring()
    {
        Interlocked.Increment(ref *_rings); // before the look at the sleepers, who count themselves before they look at the rings
        if (Volatile.Read(ref *_sleepers) > 0)
        {
            _ = NativeMethods.Futex(NativeMethods.SystemCallFutex, (nint)_rings, NativeMethods.FutexWake, int.MaxValue, null, 0, 0);
        }
    }

    /// <summary>Sleeps until the bell is rung or the time is over.</summary>
    /// <param name="rings">What <see cref="Rings"/> was before the look for work.</param>
    /// <param name="microseconds">The longest sleep, below a second.</param>
    internal void Sleep(int rings, int microseconds)
    {
        var limit = new TimeSpec(0, microseconds * 1000L);
        Interlocked.Increment(ref *_sleepers);
        _ = NativeMethods.Futex(NativeMethods.SystemCallFutex, (nint)_rings, NativeMethods.FutexWait, rings, &limit, 0, 0);
        Interlocked.Decrement(ref *_sleepers);
    }
}

/// <summary>The C library's timespec.</summary>
internal readonly record struct TimeSpec(long Seconds, long Nanoseconds);
