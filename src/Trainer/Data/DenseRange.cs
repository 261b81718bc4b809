using OpenEmbedding.Trainer.Configuration;

namespace OpenEmbedding.Trainer.Data;

/// <summary>The smallest and largest value of each dense column among training rows.</summary>
/// <remarks>
/// Each of W trainers may read its part; the element-wise minimum of all <see cref="Minimums"/> and maximum of all <see cref="Maximums"/>,
/// by two all-reduces in place, are then those of all rows, the same on every rank.
/// </remarks>
public sealed class DenseRange
{
    private const int RowsAtOnce = 4096;

    /// <summary>A range without rows.</summary>
    internal DenseRange(int columns)
    {
        Minimums = new float[columns];
        Maximums = new float[columns];
        Minimums.AsSpan().Fill(float.PositiveInfinity);
        Maximums.AsSpan().Fill(float.NegativeInfinity);
    }

    /// <summary>The smallest values, [dense columns]; +∞ without rows.</summary>
    public float[] Minimums { get; }

    /// <summary>The largest values, [dense columns]; −∞ without rows.</summary>
    public float[] Maximums { get; }

    /// <summary>The number of well-formed rows read.</summary>
    public long Rows { get; private set; }

    /// <summary>Reads the training rows once; an empty field counts as 0, a malformed row that is to be skipped not at all.</summary>
    /// <param name="options">The data section.</param>
    /// <param name="trainer">Which trainer this is, 0 to <paramref name="trainers"/> − 1.</param>
    /// <param name="trainers">How many trainers share the reading.</param>
    /// <exception cref="Collectives.OpenEmbeddingException">As of <see cref="BatchReader.Read"/>.</exception>
    public static DenseRange Read(DataOptions options, int trainer = 0, int trainers = 1)
    {
        int columns = options.Dense.Count;
        DenseRange range = new(columns);
        using BatchReader reader = new(options, options.Train, trainer, trainers, RowsAtOnce, DenseScale.None);
        Batch batch = new();
        while (reader.Read(batch))
        {
            for (int row = 0; row < batch.Rows; row++)
            {
                range.Include(batch.Dense.AsSpan(row * columns, columns));
            }

            range.Rows += batch.Rows;
        }

        return range;
    }

    /// <summary>Includes the values of a row, [dense columns].</summary>
    internal void Include(ReadOnlySpan<float> fields)
    {
        for (int column = 0; column < fields.Length; column++)
        {
            Minimums[column] = Math.Min(Minimums[column], fields[column]);
            Maximums[column] = Math.Max(Maximums[column], fields[column]);
        }
    }
}
