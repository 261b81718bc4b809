using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace OpenEmbedding.EmbeddingPs.Tables;

/// <summary>Asks for memory before it is needed, so that the waits for many random rows overlap.</summary>
internal static unsafe class Prefetch
{
    private const int CacheLine = 64;

    // A share of the nearest cache, which the rows that are asked for have to stay in.
    private const int MostBytes = 8 << 10;

    /// <summary>How many rows a loop runs behind its prefetches: the shorter the rows, the sooner it would be there.</summary>
    public static int Distance(int bytes) => Math.Clamp(MostBytes / bytes, 4, 64);

    /// <summary>Asks for the cache line of <paramref name="address"/>; a hint, never a fault.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Line(nint address)
    {
        if (Sse.IsSupported)
        {
            Sse.Prefetch0((void*)address);
        }
    }

    /// <summary>Asks for every cache line of a row.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Row(nint address, int bytes)
    {
        if (Sse.IsSupported)
        {
            // By size and not by line, so that the loop is as long for every row; the last byte may be on one more line.
            for (int offset = 0; offset < bytes; offset += CacheLine)
            {
                Sse.Prefetch0((void*)(address + offset));
            }

            Sse.Prefetch0((void*)(address + bytes - 1));
        }
    }
}
