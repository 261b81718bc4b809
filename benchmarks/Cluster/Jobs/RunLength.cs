namespace OpenEmbedding.Benchmarks.Cluster.Jobs;

/// <summary>How many steps a run takes.</summary>
/// <param name="WarmUp">Steps that are not measured.</param>
/// <param name="Measured">Steps that are.</param>
internal sealed record RunLength(int WarmUp, int Measured)
{
    private const int FewestSteps = 3;
    private const int MostSteps = 2000;

    /// <summary>The first run of all, which tells how fast the next ones will be.</summary>
    public static RunLength Trial { get; } = new(1, FewestSteps);

    /// <summary>All steps.</summary>
    public int Steps => WarmUp + Measured;

    /// <summary>As many steps as take about a time.</summary>
    /// <param name="seconds">The time.</param>
    /// <param name="samplesPerSecond">The speed of all trainers together.</param>
    /// <param name="samplesPerStep">Samples of all trainers in a step.</param>
    /// <param name="warmUp">Steps before those, which are not measured.</param>
    public static RunLength Of(double seconds, double samplesPerSecond, long samplesPerStep, int warmUp) =>
        new(warmUp, (int)Math.Clamp(seconds * samplesPerSecond / samplesPerStep, FewestSteps, MostSteps));
}
