using System.Numerics;

namespace OpenEmbedding.Trainer.Data;

/// <summary>
/// Some rows, decoded; filled again and again by a <see cref="BatchReader"/>, so its arrays are at least as long as told.
/// </summary>
public sealed class Batch
{
    /// <summary>The number of rows now held; may be smaller than the batch size, also 0.</summary>
    public int Rows { get; internal set; }

    /// <summary>Malformed rows that were skipped where this batch's rows are.</summary>
    public int BadRows { get; internal set; }

    /// <summary>The number of dense columns, n.</summary>
    public int DenseColumns { get; private set; }

    /// <summary>The number of keys of a row, S: one for each sparse column, as many as its categories can be for a multi-hot one. See <see cref="Data.SparseSlots"/>.</summary>
    public int SparseSlots { get; private set; }

    /// <summary>Labels from 0 to 1, [Rows].</summary>
    public float[] Labels { get; private set; } = [];

    /// <summary>Scaled dense values, row by row, [Rows, DenseColumns].</summary>
    public float[] Dense { get; private set; } = [];

    /// <summary>Keys of embedding rows, row by row, [Rows, SparseSlots]; −1 where a multi-hot field has no more.</summary>
    public long[] Ids { get; private set; } = [];

    /// <summary>Copies the keys of one slot.</summary>
    /// <param name="slot">0 to SparseSlots − 1.</param>
    /// <param name="ids">Takes the keys, [Rows].</param>
    public void CopyIds(int slot, Span<long> ids)
    {
        for (int row = 0, from = slot; row < Rows; row++, from += SparseSlots)
        {
            ids[row] = Ids[from];
        }
    }

    /// <summary>Copies the dense values of some rows as another type.</summary>
    /// <param name="first">The first row.</param>
    /// <param name="target">Takes the values, row by row, [rows, DenseColumns].</param>
    internal void CopyDense<T>(int first, Span<T> target)
        where T : unmanaged, INumber<T> => Convert(Dense.AsSpan(first * DenseColumns, target.Length), target);

    /// <summary>Copies the labels of some rows as another type.</summary>
    /// <param name="first">The first row.</param>
    /// <param name="target">Takes the labels, [rows].</param>
    internal void CopyLabels<T>(int first, Span<T> target)
        where T : unmanaged, INumber<T> => Convert(Labels.AsSpan(first, target.Length), target);

    /// <summary>Empties the batch and makes room for so many rows and columns.</summary>
    internal void Clear(int capacity, int denseColumns, int sparseSlots)
    {
        Rows = 0;
        BadRows = 0;
        DenseColumns = denseColumns;
        SparseSlots = sparseSlots;
        if (Labels.Length < capacity)
        {
            Labels = new float[capacity];
        }

        if (Dense.Length < (long)capacity * denseColumns)
        {
            Dense = new float[checked(capacity * denseColumns)];
        }

        if (Ids.Length < (long)capacity * sparseSlots)
        {
            Ids = new long[checked(capacity * sparseSlots)];
        }
    }

    private static void Convert<T>(ReadOnlySpan<float> source, Span<T> target)
        where T : unmanaged, INumber<T>
    {
        for (int i = 0; i < source.Length; i++)
        {
            target[i] = T.CreateTruncating(source[i]);
        }
    }
}
