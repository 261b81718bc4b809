namespace OpenEmbedding.Trainer.Metrics;

/// <summary>
/// Counts of positive and negative samples over a fixed grid of scores, from which the area under the ROC curve follows; sums of two
/// histograms are the histogram of both.
/// </summary>
/// <remarks>
/// <para>
/// The grid is the order-preserving integer image of float32, with the exponent held to 2^-24 … 2^8 (smaller magnitudes count as 0, larger
/// ones tie):
/// </para>
/// <code>
/// image   28        11 10       0
///         +-----------+----------+
///         | bin (18)  | offset   |   29 bits: sign, 5 bits of exponent, 23 bits of mantissa
///         +-----------+----------+
/// </code>
/// <para>
/// A bin is thus at most 2^-12 of its score wide. Beside the counts each bin holds the sums of the offsets: for scores spread evenly or
/// with a linear trend inside a bin, the chance that a positive is above a negative is exactly 1/2 + the difference of their mean offsets,
/// and for equal scores it is 1/2. All of it is integers, so the result depends neither on the order of the samples nor on the number of
/// ranks.
/// </para>
/// </remarks>
internal static class ScoreHistogram
{
    /// <summary>Cells of a bin: negatives, positives, sum of the negatives' offsets, sum of the positives' offsets.</summary>
    public const int CellsPerBin = 4;

    /// <summary>The number of bins.</summary>
    public const int Bins = 1 << (ImageBits - OffsetBits);

    private const int ImageBits = 29;
    private const int OffsetBits = 11;
    private const int Zero = 1 << (ImageBits - 1);
    private const int SmallestMagnitude = (127 - 24) << 23;
    private const int LargestMagnitude = ((127 + 8) << 23) - 1;

    /// <summary>Counts one sample; a NaN counts as a large score.</summary>
    public static void Add(Span<long> cells, float score, bool positive)
    {
        int image = Image(score);
        int cell = ((image >> OffsetBits) * CellsPerBin) + (positive ? 1 : 0);
        cells[cell]++;
        cells[cell + 2] += image & ((1 << OffsetBits) - 1);
    }

    /// <summary>The area under the ROC curve, ties counted half; NaN when one of the classes is absent.</summary>
    public static double AreaUnderCurve(ReadOnlySpan<long> cells)
    {
        double ordered = 0, negativesBelow = 0, positivesTotal = 0;
        for (int cell = 0; cell < cells.Length; cell += CellsPerBin)
        {
            double negatives = cells[cell], positives = cells[cell + 1];
            double within = 0.5;
            if (negatives > 0 && positives > 0)
            {
                double difference = (cells[cell + 3] / positives) - (cells[cell + 2] / negatives);
                within += difference / (1 << OffsetBits);
            }

            ordered += positives * (negativesBelow + (negatives * within));
            negativesBelow += negatives;
            positivesTotal += positives;
        }

        return ordered / (positivesTotal * negativesBelow);
    }

    private static int Image(float score)
    {
        int bits = BitConverter.SingleToInt32Bits(score);
        int magnitude = Math.Min(bits & int.MaxValue, LargestMagnitude) - SmallestMagnitude;
        if (magnitude < 0)
        {
            return Zero;
        }

        return bits >= 0 ? Zero + magnitude : Zero - 1 - magnitude;
    }
}
