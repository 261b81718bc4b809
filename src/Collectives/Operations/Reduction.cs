using System.Numerics;
using System.Runtime.InteropServices;

namespace OpenEmbedding.Collectives;

/// <summary>Reductions in the process's own memory: what MPI cannot reduce, and what comes after its reductions.</summary>
/// <remarks>16-bit floating-point elements are widened to float32, reduced there, and rounded once; see <see cref="INarrowType"/>.</remarks>
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
                CombineNarrow<Float16Type>(sources, destination, count, operation);
                break;
            case ElementType.BFloat16:
                CombineNarrow<BFloat16Type>(sources, destination, count, operation);
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

    private static void CombineNarrow<TType>(
        ReadOnlySpan<nint> sources, nint destination, long count, ReduceOperation operation)
        where TType : struct, INarrowType
    {
        float* tile = stackalloc float[TileLength];
        float* wide = stackalloc float[TileLength];
        for (long done = 0; done < count; done += TileLength)
        {
            var length = (int)Math.Min(TileLength, count - done);
            var sum = new Span<float>(tile, length);
            NarrowConversion.Widen<TType>((ushort*)sources[0] + done, tile, length, 1);
            foreach (var source in sources[1..])
            {
                NarrowConversion.Widen<TType>((ushort*)source + done, wide, length, 1);
                Accumulate(sum, new ReadOnlySpan<float>(wide, length), operation);
            }

            if (operation == ReduceOperation.Average)
            {
                Divide(sum, sources.Length);
            }

            NarrowConversion.Narrow<TType>(tile, (ushort*)destination + done, length, 1);
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

    private static Span<T> At<T>(nint data, long index, int length)
        where T : unmanaged => new((T*)data + index, length); // the caller's buffer holds count elements
}
