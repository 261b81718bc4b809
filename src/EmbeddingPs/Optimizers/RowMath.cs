using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace OpenEmbedding.EmbeddingPs.Optimizers;

/// <summary>Vector arithmetic on rows outside the rules.</summary>
internal static unsafe class RowMath
{
    /// <summary>result = left + scale · right, element by element; <paramref name="result"/> may be <paramref name="left"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void AddScaled<T>(T* result, T* left, T* right, T scale, long count)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        long i = 0;
        if (Vector256.IsHardwareAccelerated)
        {
            for (; i <= count - Vector256<T>.Count; i += Vector256<T>.Count)
            {
                AddScaledLane<Lane256<T>, T>(result + i, left + i, right + i, scale);
            }
        }

        if (Vector128.IsHardwareAccelerated)
        {
            for (; i <= count - Vector128<T>.Count; i += Vector128<T>.Count)
            {
                AddScaledLane<Lane128<T>, T>(result + i, left + i, right + i, scale);
            }
        }

        for (; i < count; i++)
        {
            AddScaledLane<ScalarLane<T>, T>(result + i, left + i, right + i, scale);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddScaledLane<TLane, T>(T* result, T* left, T* right, T scale)
        where TLane : struct, ILane<TLane, T>
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        (TLane.Load(left) + TLane.Of(scale) * TLane.Load(right)).Store(result);
    }
}
