namespace OpenEmbedding.EmbeddingPs.HotRows;

/// <summary>When the hot keys are chosen anew: after 16, 32, 64 … steps until the period is reached, then once in a period.</summary>
internal sealed class HotRowSchedule(HotRowOptions options)
{
    private const int FirstStep = 16;

    // Fewer steps than these tell a period's frequent keys as well.
    private const int CountedSteps = 32;

    private readonly bool _chooses = options.HotRows > 0;
    private readonly int _period = options.Period;
    private readonly int _stride = Math.Max(1, options.Period / CountedSteps);

    /// <summary>Whether the keys of a step are counted.</summary>
    public bool Counts(long step) => _chooses && step % _stride == 0;

    /// <summary>The step, at or before this one, before which the hot keys were last chosen; 0 if never.</summary>
    public long LastChoice(long step)
    {
        if (!_chooses || step < Math.Min(FirstStep, _period))
        {
            return 0;
        }

        return step < _period ? 1L << System.Numerics.BitOperations.Log2((ulong)step) : step - (step % _period);
    }
}
