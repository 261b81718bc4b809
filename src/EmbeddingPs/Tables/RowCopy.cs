using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace OpenEmbedding.EmbeddingPs.Tables;

/// <summary>Copies short runs of bytes without the cost of a call.</summary>
internal static unsafe class RowCopy
{
    // So many bytes at a time: the fewer instructions a row takes, the more rows the processor has in flight.
    private const int Run = 256;

    /// <summary>Copies <paramref name="bytes"/>, a multiple of 4 and at least 4; the two places must not overlap.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Copy(byte* source, byte* destination, int bytes)
    {
        for (; bytes >= Run; bytes -= Run)
        {
            var a = Vector256.Load(source);
            var b = Vector256.Load(source + 32);
            var c = Vector256.Load(source + 64);
            var d = Vector256.Load(source + 96);
            a.Store(destination);
            b.Store(destination + 32);
            c.Store(destination + 64);
            d.Store(destination + 96);
            a = Vector256.Load(source + 128);
            b = Vector256.Load(source + 160);
            c = Vector256.Load(source + 192);
            d = Vector256.Load(source + 224);
            a.Store(destination + 128);
            b.Store(destination + 160);
            c.Store(destination + 192);
            d.Store(destination + 224);
            source += Run;
            destination += Run;
        }

        // The last piece of each size may overlap the one before, which saves the smaller sizes.
        if (bytes >= Vector256<byte>.Count)
        {
            int last = bytes - Vector256<byte>.Count;
            for (int i = 0; i < last; i += Vector256<byte>.Count)
            {
                Vector256.Load(source + i).Store(destination + i);
            }

            Vector256.Load(source + last).Store(destination + last);
        }
        else if (bytes >= Vector128<byte>.Count)
        {
            int last = bytes - Vector128<byte>.Count;
            Vector128.Load(source).Store(destination);
            Vector128.Load(source + last).Store(destination + last);
        }
        else if (bytes >= sizeof(long))
        {
            int last = bytes - sizeof(long);
            Unsafe.WriteUnaligned(destination, Unsafe.ReadUnaligned<long>(source));
            Unsafe.WriteUnaligned(destination + last, Unsafe.ReadUnaligned<long>(source + last));
        }
        else if (bytes > 0)
        {
            Unsafe.WriteUnaligned(destination, Unsafe.ReadUnaligned<int>(source));
        }
    }
}
