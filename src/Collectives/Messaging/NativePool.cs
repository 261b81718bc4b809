using System.Collections.Concurrent;
using System.Numerics;
using System.Runtime.InteropServices;

namespace OpenEmbedding.Collectives;

/// <summary>Blocks of native memory, aligned to 64 bytes, kept for reuse in classes of size.</summary>
/// <remarks>Classes are a power of two apart in quarters, so that at most a fifth of a block is unused.</remarks>
internal static unsafe class NativePool
{
    private const int Alignment = 64;
    private const long Smallest = 256;

    // What is free stays within this, so that one burst of large messages does not hold the memory for ever.
    private const long MaxFreeBytes = 512L << 20;

    private static readonly ConcurrentStack<nint>[] _free = CreateClasses();
    private static long _freeBytes;

    internal static nint Rent(long bytes, out long capacity)
    {
        var index = ClassOf(bytes, out capacity);
        if (_free[index].TryPop(out var pointer))
        {
            Interlocked.Add(ref _freeBytes, -capacity);
            return pointer;
        }

        return (nint)NativeMemory.AlignedAlloc(checked((nuint)capacity), Alignment); // freed in Return, or kept there
    }

    internal static void Return(nint pointer, long capacity)
    {
        if (Interlocked.Add(ref _freeBytes, capacity) > MaxFreeBytes)
        {
            Interlocked.Add(ref _freeBytes, -capacity);
            NativeMemory.AlignedFree((void*)pointer); // allocated in Rent
            return;
        }

        _free[ClassOf(capacity, out _)].Push(pointer);
    }

    /// <summary>The class whose blocks hold at least the given bytes, and their size.</summary>
    internal static int ClassOf(long bytes, out long capacity)
    {
        if (bytes <= Smallest)
        {
            capacity = Smallest;
            return 0;
        }

        // With 2^p < bytes ≤ 2^(p+1), the classes are 2^p plus 1 to 4 quarters of it.
        var power = BitOperations.Log2((ulong)(bytes - 1));
        var quarter = 1L << (power - 2);
        var quarters = (int)((bytes - (1L << power) + quarter - 1) / quarter);
        capacity = (1L << power) + (quarters * quarter);
        return ((power - 8) * 4) + quarters;
    }

    private static ConcurrentStack<nint>[] CreateClasses()
    {
        var classes = new ConcurrentStack<nint>[(64 - 8) * 4];
        for (var i = 0; i < classes.Length; i++)
        {
            classes[i] = new ConcurrentStack<nint>();
        }

        return classes;
    }
}
