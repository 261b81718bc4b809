namespace OpenEmbedding.Trainer.Data;

/// <summary>What the columns of generated data look like: the public figures of Criteo's display-advertising challenge, rounded.</summary>
internal static class CriteoShape
{
    /// <summary>The number of groups of columns that are empty together.</summary>
    public const int EmptyGroups = 9;

    /// <summary>The fewest categories that <see cref="Deal"/> deals.</summary>
    public const int FewestCategories = 1000;

    /// <summary>I1 to I13.</summary>
    public static IReadOnlyList<DenseColumn> Dense { get; } =
    [
        new(Median: 1.5, Sigma: 1.6, Minimum: 0, Maximum: 5775, EmptyGroup: 1, EmptyShare: 0.45),
        new(Median: 5.0, Sigma: 3.0, Minimum: -2, Maximum: 257672, EmptyGroup: 0, EmptyShare: 0),
        new(Median: 7.5, Sigma: 1.6, Minimum: 0, Maximum: 65535, EmptyGroup: 2, EmptyShare: 0.21),
        new(Median: 4.5, Sigma: 1.3, Minimum: 0, Maximum: 969, EmptyGroup: 3, EmptyShare: 0.21),
        new(Median: 2558, Sigma: 2.0, Minimum: 0, Maximum: 23159456, EmptyGroup: 4, EmptyShare: 0.04),
        new(Median: 40.5, Sigma: 1.7, Minimum: 0, Maximum: 431037, EmptyGroup: 5, EmptyShare: 0.23),
        new(Median: 3.5, Sigma: 1.8, Minimum: 0, Maximum: 56311, EmptyGroup: 4, EmptyShare: 0.04),
        new(Median: 7.5, Sigma: 1.3, Minimum: 0, Maximum: 6047, EmptyGroup: 4, EmptyShare: 0.001),
        new(Median: 41.5, Sigma: 1.6, Minimum: 0, Maximum: 29019, EmptyGroup: 4, EmptyShare: 0.04),
        new(Median: 0.8, Sigma: 0.8, Minimum: 0, Maximum: 11, EmptyGroup: 1, EmptyShare: 0.45),
        new(Median: 1.5, Sigma: 1.3, Minimum: 0, Maximum: 231, EmptyGroup: 4, EmptyShare: 0.04),
        new(Median: 0.7, Sigma: 1.2, Minimum: 0, Maximum: 4008, EmptyGroup: 6, EmptyShare: 0.77),
        new(Median: 5.5, Sigma: 1.3, Minimum: 0, Maximum: 7393, EmptyGroup: 3, EmptyShare: 0.21),
    ];

    /// <summary>C1 to C26.</summary>
    public static IReadOnlyList<SparseColumn> Sparse { get; } =
    [
        new(Cardinality: 1460, Skew: 1.5, EmptyGroup: 0, EmptyShare: 0),
        new(Cardinality: 583, Skew: 1.1, EmptyGroup: 0, EmptyShare: 0),
        new(Cardinality: 10131227, Skew: 1.02, EmptyGroup: 7, EmptyShare: 0.035),
        new(Cardinality: 2202608, Skew: 1.05, EmptyGroup: 7, EmptyShare: 0.035),
        new(Cardinality: 305, Skew: 1.6, EmptyGroup: 0, EmptyShare: 0),
        new(Cardinality: 24, Skew: 1.2, EmptyGroup: 5, EmptyShare: 0.12),
        new(Cardinality: 12517, Skew: 1.02, EmptyGroup: 0, EmptyShare: 0),
        new(Cardinality: 633, Skew: 1.8, EmptyGroup: 0, EmptyShare: 0),
        new(Cardinality: 3, Skew: 1.9, EmptyGroup: 0, EmptyShare: 0),
        new(Cardinality: 93145, Skew: 1.1, EmptyGroup: 0, EmptyShare: 0),
        new(Cardinality: 5683, Skew: 1.02, EmptyGroup: 0, EmptyShare: 0),
        new(Cardinality: 8351593, Skew: 1.02, EmptyGroup: 7, EmptyShare: 0.035),
        new(Cardinality: 3194, Skew: 1.02, EmptyGroup: 0, EmptyShare: 0),
        new(Cardinality: 27, Skew: 1.3, EmptyGroup: 0, EmptyShare: 0),
        new(Cardinality: 14992, Skew: 1.1, EmptyGroup: 0, EmptyShare: 0),
        new(Cardinality: 5461306, Skew: 1.05, EmptyGroup: 7, EmptyShare: 0.035),
        new(Cardinality: 10, Skew: 1.2, EmptyGroup: 0, EmptyShare: 0),
        new(Cardinality: 5652, Skew: 1.2, EmptyGroup: 0, EmptyShare: 0),
        new(Cardinality: 2173, Skew: 1.1, EmptyGroup: 8, EmptyShare: 0.44),
        new(Cardinality: 4, Skew: 1.1, EmptyGroup: 8, EmptyShare: 0.44),
        new(Cardinality: 7046547, Skew: 1.02, EmptyGroup: 7, EmptyShare: 0.035),
        new(Cardinality: 18, Skew: 1.5, EmptyGroup: 6, EmptyShare: 0.76),
        new(Cardinality: 15, Skew: 1.3, EmptyGroup: 0, EmptyShare: 0),
        new(Cardinality: 286181, Skew: 1.1, EmptyGroup: 7, EmptyShare: 0.035),
        new(Cardinality: 105, Skew: 1.5, EmptyGroup: 8, EmptyShare: 0.44),
        new(Cardinality: 142572, Skew: 1.1, EmptyGroup: 8, EmptyShare: 0.44),
    ];

    /// <summary>Deals a number of categories to the columns in the proportions of Criteo's, at least two to each.</summary>
    /// <param name="categories">Categories of all columns together, at least <see cref="FewestCategories"/>.</param>
    /// <returns>For each column its categories; their sum is <paramref name="categories"/>.</returns>
    public static int[] Deal(int categories)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(categories, FewestCategories);
        double share = categories / Sparse.Sum(column => (double)column.Cardinality);
        int[] dealt = [.. Sparse.Select(column => Math.Max(2, (int)(column.Cardinality * share)))];
        int largest = Array.IndexOf(dealt, dealt.Max());
        dealt[largest] += categories - dealt.Sum();
        return dealt;
    }

    /// <summary>A column of counts, log-normal: ⌊median · e^(sigma · z)⌋ + minimum, held to the maximum.</summary>
    internal sealed record DenseColumn(double Median, double Sigma, int Minimum, int Maximum, int EmptyGroup, double EmptyShare);

    /// <summary>
    /// A column of categories: the k-th most frequent, of so many, comes in proportion to about k^−skew; the skew is not 1.
    /// </summary>
    internal sealed record SparseColumn(int Cardinality, double Skew, int EmptyGroup, double EmptyShare)
    {
        // The inverse of the distribution has no value at 1 but comes as near as one likes.
        private const double NextToOne = 1e-6;

        /// <summary>Makes a column that is never empty.</summary>
        /// <param name="cardinality">Categories, at least 1.</param>
        /// <param name="exponent">The exponent of Zipf's law, at least 0.</param>
        public static SparseColumn Zipf(int cardinality, double exponent) =>
            new(cardinality, Math.Abs(exponent - 1) < NextToOne ? 1 + NextToOne : exponent, EmptyGroup: 0, EmptyShare: 0);

        /// <summary>(cardinality + 1)^(1 − skew) − 1, a constant of the inverse distribution function.</summary>
        public double TailMinusOne { get; } = Math.Pow(Cardinality + 1.0, 1 - Skew) - 1;
    }
}
