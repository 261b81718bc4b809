using System.ComponentModel.DataAnnotations;
using MessagePack;
using KeyAttribute = MessagePack.KeyAttribute;

namespace OpenEmbedding.EmbeddingPs.Growth;

/// <summary>What bounds the growth of a hash table in memory; by default nothing does. Limits are those of a table in the whole job, of which each server has an equal share.</summary>
[MessagePackObject]
public sealed record GrowthOptions
{
    /// <summary>
    /// How many steps train a key until it has a row, the last of them included; before it a pull reads the key's initial value, and its gradients
    /// are dropped. 1: each key has a row at once.
    /// </summary>
    [Key(0)]
    [Range(1, 65535)]
    public int MinCount { get; init; } = 1;

    /// <summary>The most keys of a table whose steps are counted for <c>min_count</c>; when there are more, the rarest are forgotten, until at most half are left.</summary>
    [Key(1)]
    [Range(typeof(long), "1", "9223372036854775807")]
    public long MaxCandidates { get; init; } = 10_000_000;

    /// <summary>Rows that were not updated for so many steps go; left out, they stay.</summary>
    [Key(2)]
    [Range(1, int.MaxValue)]
    public int? MaxIdleSteps { get; init; }

    /// <summary>Rows whose weights have a smaller L2 norm go, once they were not updated for <c>min_norm_idle_steps</c>; 0: they stay.</summary>
    [Key(3)]
    [Range(0.0, double.PositiveInfinity)]
    public double MinNorm { get; init; }

    /// <summary>How many steps a row is not updated before <c>min_norm</c> may take it.</summary>
    [Key(4)]
    [Range(1, int.MaxValue)]
    public int MinNormIdleSteps { get; init; } = 1000;

    /// <summary>The most rows of a table; left out, there is no limit.</summary>
    [Key(5)]
    [Range(typeof(long), "1", "9223372036854775807")]
    public long? MaxRows { get; init; }

    /// <summary>The most memory for the rows of a table and what finds them, in MiB, counted as so many rows of their size; left out, there is no limit.</summary>
    [Key(6)]
    [Range(1, int.MaxValue)]
    public int? MaxMb { get; init; }

    /// <summary>
    /// What happens to a table with more rows than <c>max_rows</c> or <c>max_mb</c> allow: <c>error</c> ends the job; with <c>evict</c> the rows that
    /// were not updated for the longest time go at the next sweep, until 90 % of the limit are left.
    /// </summary>
    [Key(7)]
    public FullTable WhenFull { get; init; } = FullTable.Error;

    /// <summary>The steps from one sweep to the next: only then rows go.</summary>
    [Key(8)]
    [Range(1, int.MaxValue)]
    public int SweepEverySteps { get; init; } = 100;

    /// <summary>Whether anything is bounded.</summary>
    [IgnoreMember]
    public bool IsOn => MinCount > 1 || HasLimit || HasAges;

    /// <summary>Whether the number of rows is limited.</summary>
    [IgnoreMember]
    internal bool HasLimit => MaxRows is not null || MaxMb is not null;

    /// <summary>Whether rows keep the step of their last update.</summary>
    [IgnoreMember]
    internal bool HasAges => MaxIdleSteps is not null || MinNorm > 0 || (HasLimit && WhenFull == FullTable.Evict);

    /// <summary>An equal part of a limit, at least 1.</summary>
    internal static long ShareOf(long limit, int shards) => ((limit - 1) / shards) + 1;

    /// <summary>What is out of range, null if nothing is.</summary>
    internal string? FindProblem() => this switch
    {
        { MinCount: < 1 or > 65535 } => $"min_count must be 1 to 65535, not {MinCount}",
        { MaxCandidates: < 1 } => $"max_candidates must be at least 1, not {MaxCandidates}",
        { MaxIdleSteps: < 1 } => $"max_idle_steps must be at least 1, not {MaxIdleSteps}",
        _ when !(MinNorm >= 0 && double.IsFinite(MinNorm)) => $"min_norm must be at least 0, not {MinNorm}",
        { MinNormIdleSteps: < 1 } => $"min_norm_idle_steps must be at least 1, not {MinNormIdleSteps}",
        { MaxRows: < 1 } => $"max_rows must be at least 1, not {MaxRows}",
        { MaxMb: < 1 } => $"max_mb must be at least 1, not {MaxMb}",
        { SweepEverySteps: < 1 } => $"sweep_every_steps must be at least 1, not {SweepEverySteps}",
        _ => null,
    };
}

/// <summary>What happens to a table with too many rows.</summary>
public enum FullTable
{
    /// <summary>The job ends with a line that names table, server and limit.</summary>
    Error,

    /// <summary>At the next sweep the rows that were not updated for the longest time go, until 90 % of the limit are left.</summary>
    Evict,
}
