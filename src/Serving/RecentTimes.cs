namespace OpenEmbedding.Serving;

/// <summary>How long the last requests took. Any thread may call it.</summary>
internal sealed class RecentTimes
{
    private const int Kept = 2048;
    private readonly Lock _lock = new();
    private readonly double[] _seconds = new double[Kept];
    private long _count;

    /// <summary>How many requests there were since the start.</summary>
    public long Count
    {
        get
        {
            lock (_lock)
            {
                return _count;
            }
        }
    }

    public void Add(double seconds)
    {
        lock (_lock)
        {
            _seconds[_count++ % Kept] = seconds;
        }
    }

    /// <summary>The times in seconds that the given shares of the last requests did not exceed; none before the first request.</summary>
    public double[] Quantiles(params double[] shares)
    {
        double[] sorted;
        lock (_lock)
        {
            sorted = _seconds[..(int)Math.Min(_count, Kept)];
        }

        Array.Sort(sorted);
        return sorted.Length == 0 ? [] : [.. shares.Select(share => sorted[Math.Max(0, (int)Math.Ceiling(share * sorted.Length) - 1)])];
    }
}
