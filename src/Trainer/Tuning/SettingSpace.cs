using OpenEmbedding.Trainer.Configuration;

namespace OpenEmbedding.Trainer.Tuning;

/// <summary>The values that are tried for each setting; of one that is given, or does nothing in the job, only that which it has.</summary>
internal sealed class SettingSpace
{
    private static readonly int[] _fusionBufferMb = [4, 16, 64, 256];
    private static readonly double[] _cycleTimeMs = [0.25, 1, 4];
    private static readonly int[] _prefetch = [1, 2, 4];

    private readonly int[] _fusions;
    private readonly double[] _cycles;
    private readonly int[] _prefetches;

    /// <summary>Makes the space of a job.</summary>
    /// <param name="options">The job; keys that it gives are not searched.</param>
    /// <param name="start">The settings with which it begins.</param>
    /// <param name="ranks">Ranks of the job.</param>
    public SettingSpace(JobOptions options, TunedSettings start, int ranks)
    {
        bool together = ranks > 1;

        // The other strategies sum one buffer, the dense gradients, for which there is nothing to pack.
        bool packs = together && options.Cluster.Strategy == ClusterStrategy.AllReduce;
        _fusions = Values(packs && options.Cluster.FusionBufferMb is null, _fusionBufferMb, start.FusionBufferMb);
        _cycles = Values(together && options.Cluster.CycleTimeMs is null, _cycleTimeMs, start.CycleTimeMs);
        _prefetches = Values(options.Train.Prefetch is null, _prefetch, start.Prefetch);
        Start = [Array.IndexOf(_fusions, start.FusionBufferMb), Array.IndexOf(_cycles, start.CycleTimeMs), Array.IndexOf(_prefetches, start.Prefetch)];
    }

    /// <summary>The numbers of values, setting by setting.</summary>
    public IReadOnlyList<int> Sizes => [_fusions.Length, _cycles.Length, _prefetches.Length];

    /// <summary>The place of the settings with which the job begins.</summary>
    public IReadOnlyList<int> Start { get; }

    /// <summary>The settings at a place.</summary>
    public TunedSettings this[IReadOnlyList<int> place] => new(_fusions[place[0]], _cycles[place[1]], _prefetches[place[2]]);

    private static T[] Values<T>(bool searched, T[] values, T start) => searched ? [.. values.Append(start).Distinct().Order()] : [start];
}
