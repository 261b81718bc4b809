namespace OpenEmbedding.Trainer.Data.Writing;

/// <summary>Some rows as they are in the files: dense values unscaled, raw values of categories.</summary>
internal sealed class RowChunk(int denseColumns, int slots)
{
    /// <summary>The most rows, also those of a row group of Parquet.</summary>
    public const int Capacity = 1 << 16;

    /// <summary>The number of rows, which are well-formed.</summary>
    public int Rows { get; private set; }

    /// <summary>Malformed rows where these rows are.</summary>
    public int BadRows { get; private set; }

    /// <summary>Labels, [rows].</summary>
    public float[] Labels { get; } = new float[Capacity];

    /// <summary>Dense values, [rows, dense columns].</summary>
    public float[] Dense { get; } = new float[checked(Capacity * denseColumns)];

    /// <summary>Categories, [rows, slots].</summary>
    public long[] Sparse { get; } = new long[checked(Capacity * slots)];

    /// <summary>The dense values of a row.</summary>
    public Span<float> DenseOf(int row) => Dense.AsSpan(row * denseColumns, denseColumns);

    /// <summary>The categories of a row.</summary>
    public Span<long> SparseOf(int row) => Sparse.AsSpan(row * slots, slots);

    /// <summary>Reads the next rows; fewer than fit only at the end.</summary>
    /// <param name="source">The rows.</param>
    /// <param name="skipsBad">Whether a malformed row is left out; else it is an error.</param>
    public void Fill(RowSequence source, bool skipsBad)
    {
        (Rows, BadRows) = (0, 0);
        while (Rows < Capacity)
        {
            RowOutcome outcome = source.Read(out Labels[Rows], DenseOf(Rows), SparseOf(Rows));
            if (outcome == RowOutcome.End)
            {
                break;
            }

            if (outcome == RowOutcome.Row)
            {
                Rows++;
            }
            else if (skipsBad)
            {
                BadRows++;
            }
            else
            {
                throw source.DescribeBadRow();
            }
        }
    }
}
