namespace OpenEmbedding.Benchmarks.Cluster.Results;

/// <summary>What is told of some runs.</summary>
internal static class Statistics
{
    /// <summary>The middle value, or the mean of the two in the middle; null of none.</summary>
    public static double? Median(IReadOnlyList<double> values)
    {
        if (values.Count == 0)
        {
            return null;
        }

        double[] sorted = [.. values.Order()];
        int middle = sorted.Length / 2;
        return sorted.Length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    }

    /// <summary>(largest − smallest) / median; null of none.</summary>
    public static double? Spread(IReadOnlyList<double> values) => values.Count == 0 ? null : (values.Max() - values.Min()) / Median(values);

    /// <summary>The larger of those that are there; null when neither is.</summary>
    public static double? Largest(double? a, double? b) => a is null ? b : b is null ? a : Math.Max(a.Value, b.Value);
}
