namespace OpenEmbedding.Benchmarks.Serving;

/// <summary>What a load measured: requests a second, and their times.</summary>
internal sealed record Load(double PerSecond, double MedianSeconds, double Percentile99Seconds)
{
    /// <summary>The load of requests that took the given seconds, all made within one span.</summary>
    public static Load Of(List<double> times, double spanSeconds)
    {
        times.Sort();
        return new Load(times.Count / spanSeconds, times[times.Count / 2], times[(int)(times.Count * 0.99)]);
    }
}
