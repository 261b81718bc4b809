using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace OpenEmbedding.EmbeddingPs.Tables;

/// <summary>Copies short runs of bytes without the cost of a call.</summary>
internal static unsafe class RowCopy
{
    /// <summary>Copies <paramref name="bytes"/>, a multiple of 4 and at least 4; the two places must not overlap.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Copy(byte* source, byte* destination, int bytes)
    {
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
        else
        {
            Unsafe.WriteUnaligned(destination, Unsafe.ReadUnaligned<int>(source));
        }
    }
}
