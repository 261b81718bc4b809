using OpenEmbedding.Trainer.Configuration;

namespace OpenEmbedding.Trainer.Tuning;

/// <summary>The settings that may change between two steps; they decide the speed of training and not its result.</summary>
/// <param name="FusionBufferMb"><c>cluster.fusion_buffer_mb</c>, in MiB, at least 1.</param>
/// <param name="CycleTimeMs"><c>cluster.cycle_time_ms</c>, in ms.</param>
/// <param name="Prefetch"><c>train.prefetch</c>, in batches.</param>
internal readonly record struct TunedSettings(int FusionBufferMb, double CycleTimeMs, int Prefetch)
{
    /// <summary>The fusion buffer where the configuration names none, in MiB.</summary>
    public const int UsualFusionBufferMb = 64;

    private const int UsualPrefetch = 1;

    /// <summary>The settings with which a job begins.</summary>
    /// <param name="options">The job.</param>
    /// <param name="cycleTime">The cycle time in force.</param>
    public static TunedSettings Of(JobOptions options, TimeSpan cycleTime) => new(
        options.Cluster.FusionBufferMb ?? UsualFusionBufferMb, cycleTime.TotalMilliseconds, options.Train.Prefetch ?? UsualPrefetch);

    /// <inheritdoc/>
    public override string ToString() => FormattableString.Invariant($"fusion {FusionBufferMb} MiB, cycle {CycleTimeMs} ms, prefetch {Prefetch}");
}
