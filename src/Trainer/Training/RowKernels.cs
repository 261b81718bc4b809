using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace OpenEmbedding.Trainer.Training;

/// <summary>Moves rows between the compact order of a pull (distinct keys) and the order of the samples.</summary>
internal static class RowKernels
{
    /// <summary>Copies <c>rows[index[i]]</c> to <c>samples[i]</c>; both hold rows of <paramref name="dimension"/> elements.</summary>
    public static void Gather<T>(ReadOnlySpan<T> rows, ReadOnlySpan<int> index, Span<T> samples, int dimension)
        where T : unmanaged
    {
        if (dimension == 1)
        {
            for (int i = 0; i < index.Length; i++)
            {
                samples[i] = rows[index[i]];
            }

            return;
        }

        for (int i = 0; i < index.Length; i++)
        {
            Copy(rows.Slice(index[i] * dimension, dimension), samples.Slice(i * dimension, dimension));
        }
    }

    /// <summary>Adds <c>samples[i]</c> to <c>rows[index[i]]</c> in the order of the samples, so that the sums have the same bits every time.</summary>
    public static void ScatterAdd<T>(ReadOnlySpan<T> samples, ReadOnlySpan<int> index, Span<T> rows, int dimension)
        where T : unmanaged, INumber<T>
    {
        if (dimension == 1)
        {
            for (int i = 0; i < index.Length; i++)
            {
                rows[index[i]] += samples[i];
            }

            return;
        }

        for (int i = 0; i < index.Length; i++)
        {
            Add(samples.Slice(i * dimension, dimension), rows.Slice(index[i] * dimension, dimension));
        }
    }

    /// <summary>Copies a row to another of the same length, without the cost of a call.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Copy<T>(ReadOnlySpan<T> row, Span<T> copy)
        where T : unmanaged
    {
        ref T source = ref MemoryMarshal.GetReference(row);
        ref T target = ref MemoryMarshal.GetReference(copy);
        int last = copy.Length - Vector<T>.Count;
        if (last < 0)
        {
            row.CopyTo(copy);
            return;
        }

        for (int i = 0; i < last; i += Vector<T>.Count)
        {
            Vector.LoadUnsafe(ref source, (nuint)i).StoreUnsafe(ref target, (nuint)i);
        }

        // It may overlap the one before, which saves a loop over the rest.
        Vector.LoadUnsafe(ref source, (nuint)last).StoreUnsafe(ref target, (nuint)last);
    }

    /// <summary>Adds a row to another of the same length.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Add<T>(ReadOnlySpan<T> row, Span<T> total)
        where T : unmanaged, INumber<T>
    {
        ref T source = ref MemoryMarshal.GetReference(row);
        ref T target = ref MemoryMarshal.GetReference(total);
        int count = total.Length;
        int i = 0;
        for (; i <= count - Vector<T>.Count; i += Vector<T>.Count)
        {
            Vector<T> sum = Vector.LoadUnsafe(ref target, (nuint)i) + Vector.LoadUnsafe(ref source, (nuint)i);
            sum.StoreUnsafe(ref target, (nuint)i);
        }

        for (; i < count; i++)
        {
            Unsafe.Add(ref target, i) += Unsafe.Add(ref source, i);
        }
    }
}
