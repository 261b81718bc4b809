namespace OpenEmbedding.Benchmarks.Cluster.Results;

/// <summary>What the runs of one contender gave.</summary>
/// <param name="Contender">Who.</param>
/// <param name="SamplesPerSecond">Of each measured run that ended well, in the order of the runs.</param>
/// <param name="Steps">Measured steps of each of them.</param>
/// <param name="Trainers">Ranks that trained; 0 when no run ended well.</param>
/// <param name="Servers">Ranks that served.</param>
/// <param name="PeakMemoryBytes">The largest resident set of any rank in any run.</param>
/// <param name="Problem">Why a run failed, the first one; null when none did.</param>
public sealed record Runs(
    Contender Contender,
    IReadOnlyList<double> SamplesPerSecond,
    IReadOnlyList<int> Steps,
    int Trainers,
    int Servers,
    long? PeakMemoryBytes,
    string? Problem)
{
    /// <summary>The median; null without a run.</summary>
    public double? Median => Statistics.Median(SamplesPerSecond);

    /// <summary>(largest − smallest) / median; null without a run.</summary>
    public double? Spread => Statistics.Spread(SamplesPerSecond);
}

/// <summary>A case with what its contenders did.</summary>
/// <param name="Case">Model, ranks and ids.</param>
/// <param name="Runs">Of each contender.</param>
public sealed record CaseResult(Case Case, IReadOnlyList<Runs> Runs)
{
    /// <summary>The median of a contender; null when it did not run or failed.</summary>
    public double? Median(Contender contender) => Of(contender)?.Median;

    /// <summary>What a contender did; null when it was not asked for.</summary>
    public Runs? Of(Contender contender) => Runs.FirstOrDefault(runs => runs.Contender == contender);

    /// <summary>The better of the strategies without servers: what data-parallel training alone gives.</summary>
    public double? Baseline => Statistics.Largest(Median(Contender.AllReduce), Median(Contender.AllGather));

    /// <summary>ps ÷ <see cref="Baseline"/>.</summary>
    public double? PsToBaseline => Median(Contender.Ps) / Baseline;

    /// <summary>ps ÷ ceiling.</summary>
    public double? PsToCeiling => Median(Contender.Ps) / Median(Contender.Ceiling);

    /// <summary>ceiling ÷ <see cref="Baseline"/>: the most that <see cref="PsToBaseline"/> can be on these cores.</summary>
    public double? CeilingToBaseline => Median(Contender.Ceiling) / Baseline;

    /// <summary>ps ÷ PyTorch.</summary>
    public double? PsToPyTorch => Median(Contender.Ps) / Median(Contender.PyTorch);
}
