using System.Numerics;
using System.Runtime.InteropServices;

namespace OpenEmbedding.Collectives;

/// <summary>Reductions in the process's own memory: what MPI cannot reduce, and what comes after its reductions.</summary>
/// <remarks>16-bit floating-point elements are widened to float32, reduced there, and rounded once.</remarks>
internal static unsafe class Reduction
{
    // Elements that are widened at a time: they fit the first-level cache.
    private const int TileLength = 1024;

    /// <summary>Combines the buffers, all of the same length, in their order into the destination, which may be one of them.</summary>
    internal static void Combine(
        ReadOnlySpan<nint> sources, nint destination, long count, ElementType type, ReduceOperation operation)
    {
        switch (type)
        {
            case ElementType.Float16:
                CombineNarrow<Half, WidenHalf>(sources, destination, count, operation);
                break;
            case ElementType.BFloat16:
                CombineNarrow<BFloat16, WidenBFloat16>(sources, destination, count, operation);
                break;
            case ElementType.Float32:
                Combine<float>(sources, destination, count, operation);
                break;
            case ElementType.Float64:
                Combine<double>(sources, destination, count, operation);
                break;
            case ElementType.Int32:
                Combine<int>(sources, destination, count, operation);
                break;
            case ElementType.Int64:
                Combine<long>(sources, destination, count, operation);
                break;
            default:
                Combine<byte>(sources, destination, count, operation);
                break;
        }
    }

    /// <summary>Divides every element, of a type that MPI reduces, in place; integers are cut towards zero.</summary>
    internal static void Divide(nint data, long count, ElementType type, int divisor)
    {
        switch (type)
        {
            case ElementType.Float32:
                Divide(data, count, (float)divisor);
                break;
            case ElementType.Float64:
                Divide(data, count, (double)divisor);
                break;
            case ElementType.Int32:
                Divide(data, count, divisor);
                break;
            case ElementType.Int64:
                Divide(data, count, (long)divisor);
                break;
            default:
                DivideBytes(data, count, divisor);
                break;
        }
    }

    private static void DivideBytes(nint data, long count, int divisor)
    {
        // The divisor may be more than a byte holds.
        for (var element = (byte*)data; element < (byte*)data + count; element++)
        {
            *element = (byte)(*element / divisor);
        }
    }

    private static void Combine<T>(ReadOnlySpan<nint> sources, nint destination, long count, ReduceOperation operation)
        where T : unmanaged, INumber<T>
    {
        Span<T> tile = stackalloc T[TileLength];
        for (long done = 0; done < count; done += TileLength)
        {
            var length = (int)Math.Min(TileLength, count - done);
            var sum = tile[..length];
            At<T>(sources[0], done, length).CopyTo(sum);
            foreach (var source in sources[1..])
            {
                Accumulate(sum, At<T>(source, done, length), operation);
            }

            if (operation == ReduceOperation.Average)
            {
                Divide(sum, T.CreateChecked(sources.Length));
            }

            sum.CopyTo(At<T>(destination, done, length));
        }
    }

    private static void CombineNarrow<T, TWiden>(
        ReadOnlySpan<nint> sources, nint destination, long count, ReduceOperation operation)
        where T : unmanaged
        where TWiden : struct, IWiden<T>
    {
        Span<float> tile = stackalloc float[TileLength];
        Span<float> wide = stackalloc float[TileLength];
        for (long done = 0; done < count; done += TileLength)
        {
            var length = (int)Math.Min(TileLength, count - done);
            var sum = tile[..length];
            Widen<T, TWiden>(At<T>(sources[0], done, length), sum);
            foreach (var source in sources[1..])
            {
                Widen<T, TWiden>(At<T>(source, done, length), wide);
                Accumulate(sum, wide[..length], operation);
            }

            if (operation == ReduceOperation.Average)
            {
                Divide(sum, sources.Length);
            }

            var narrow = At<T>(destination, done, length);
            for (var i = 0; i < length; i++)
            {
                narrow[i] = TWiden.Narrow(sum[i]);
            }
        }
    }

    private static void Accumulate<T>(Span<T> sum, ReadOnlySpan<T> term, ReduceOperation operation)
        where T : unmanaged, INumber<T>
    {
        var sums = MemoryMarshal.Cast<T, Vector<T>>(sum);
        var terms = MemoryMarshal.Cast<T, Vector<T>>(term);
        var rest = sums.Length * Vector<T>.Count;
        switch (operation)
        {
            case ReduceOperation.Min:
                for (var i = rest; i < sum.Length; i++)
                {
                    sum[i] = T.Min(sum[i], term[i]);
                }

                for (var i = 0; i < sums.Length; i++)
                {
                    sums[i] = Vector.Min(sums[i], terms[i]);
                }

                break;
            case ReduceOperation.Max:
                for (var i = rest; i < sum.Length; i++)
                {
                    sum[i] = T.Max(sum[i], term[i]);
                }

                for (var i = 0; i < sums.Length; i++)
                {
                    sums[i] = Vector.Max(sums[i], terms[i]);
                }

                break;
            case ReduceOperation.Product:
                for (var i = rest; i < sum.Length; i++)
                {
                    sum[i] *= term[i];
                }

                for (var i = 0; i < sums.Length; i++)
                {
                    sums[i] *= terms[i];
                }

                break;
            default:
                for (var i = rest; i < sum.Length; i++)
                {
                    sum[i] += term[i];
                }

                for (var i = 0; i < sums.Length; i++)
                {
                    sums[i] += terms[i];
                }

                break;
        }
    }

    private static void Divide<T>(nint data, long count, T divisor)
        where T : unmanaged, INumber<T>
    {
        for (long done = 0; done < count; done += int.MaxValue)
        {
            Divide(At<T>(data, done, (int)Math.Min(int.MaxValue, count - done)), divisor);
        }
    }

    private static void Divide<T>(Span<T> values, T divisor)
        where T : unmanaged, INumber<T>
    {
        for (var i = 0; i < values.Length; i++)
        {
            values[i] /= divisor;
        }
    }

    private static void Widen<T, TWiden>(ReadOnlySpan<T> narrow, Span<float> wide)
        where T : unmanaged
        where TWiden : struct, IWiden<T>
    {
        for (var i = 0; i < narrow.Length; i++)
        {
            wide[i] = TWiden.Widen(narrow[i]);
        }
    }

    private static Span<T> At<T>(nint data, long index, int length)
        where T : unmanaged => new((T*)data + index, length); // the caller's buffer holds count elements

    /// <summary>Conversion of a 16-bit type, as a value type so that each pair makes its own loop.</summary>
    private interface IWiden<T>
    {
        static abstract float Widen(T value);

        static abstract T Narrow(float value);
    }

    private readonly struct WidenHalf : IWiden<Half>
    {
        public static float Widen(Half value) => (float)value;

        public static Half Narrow(float value) => (Half)value;
    }

    private readonly struct WidenBFloat16 : IWiden<BFloat16>
    {
        public static float Widen(BFloat16 value) => (float)value;

        public static BFloat16 Narrow(float value) => (BFloat16)value;
    }
}
