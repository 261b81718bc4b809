namespace OpenEmbedding.Benchmarks.Kernels;

/// <summary>How often keys come.</summary>
public enum KeyDistribution
{
    /// <summary>All equally often.</summary>
    Uniform,

    /// <summary>The k-th most frequent with weight 1 / k^1.05.</summary>
    Zipf,
}

/// <summary>Draws row numbers in [0, rows); frequent ones lie apart from each other.</summary>
internal sealed class KeyStream(KeyDistribution distribution, long rows, int seed)
{
    private const double Exponent = 1.05;

    // Odd and prime, so that it shuffles any number of rows that it does not divide.
    private const ulong Shuffle = 2_654_435_761;

    private readonly Random _random = new(seed);
    private readonly double _least = Integral(1.5) - 1;
    private readonly double _most = Integral(rows + 0.5);

    /// <summary>Draws <paramref name="count"/> row numbers.</summary>
    public long[] Draw(int count)
    {
        var drawn = new long[count];
        for (int i = 0; i < count; i++)
        {
            drawn[i] = distribution == KeyDistribution.Uniform ? _random.NextInt64(rows) : (long)(DrawRank() * Shuffle % (ulong)rows);
        }

        return drawn;
    }

    // W. Hörmann, G. Derflinger, "Rejection-inversion to generate variates from monotone discrete distributions", 1996.
    private ulong DrawRank()
    {
        while (true)
        {
            double area = _most + _random.NextDouble() * (_least - _most);
            double rank = Math.Clamp(Math.Round(Inverse(area)), 1, rows);
            if (area >= Integral(rank + 0.5) - Math.Pow(rank, -Exponent))
            {
                return (ulong)rank - 1;
            }
        }
    }

    private static double Integral(double x) => (Math.Pow(x, 1 - Exponent) - 1) / (1 - Exponent);

    private static double Inverse(double area) => Math.Pow(1 + area * (1 - Exponent), 1 / (1 - Exponent));
}
