using System.ComponentModel.DataAnnotations;

namespace OpenEmbedding.Trainer.Configuration;

/// <summary>The search for <c>cluster.fusion_buffer_mb</c>, <c>cluster.cycle_time_ms</c> and <c>train.prefetch</c> while training.</summary>
public sealed record AutotuneOptions
{
    /// <summary>The fewest samples that tell one setting from another and check the result.</summary>
    internal const int FewestSamples = 12;

    /// <summary>Whether the settings are searched.</summary>
    public bool Enabled { get; init; }

    /// <summary>A CSV file for the samples, a line each, and the settings chosen in the last line; left out, none is written.</summary>
    [MinLength(1)]
    public string? Log { get; init; }

    /// <summary>Steps before the search, which warm up compiler, memory and files.</summary>
    [Range(0, 1000000)]
    public int WarmupSteps { get; init; } = 30;

    /// <summary>Steps that one sample of the speed takes.</summary>
    [Range(1, 1000000)]
    public int StepsPerSample { get; init; } = 10;

    /// <summary>The most samples of the search, all settings together.</summary>
    [Range(FewestSamples, 1000000)]
    public int MaxSamples { get; init; } = 40;
}
