namespace OpenEmbedding.Trainer.Metrics;

/// <summary>Logarithms with full precision where the library's lose it.</summary>
internal static class Logarithm
{
    /// <summary>ln(1 + x), also for x so small that 1 + x rounds (W. Kahan's formula).</summary>
    public static double OnePlus(double x)
    {
        double sum = 1 + x;
        double rounded = sum - 1;
        return rounded == 0 || double.IsInfinity(sum) ? x : Math.Log(sum) * (x / rounded);
    }
}
