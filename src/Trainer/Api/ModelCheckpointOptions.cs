namespace OpenEmbedding.Trainer;

/// <summary>When a <see cref="ModelCheckpoint"/> saves and what it keeps; the same on every trainer.</summary>
public sealed record ModelCheckpointOptions
{
    /// <summary>Steps between two checkpoints, at least 1; default null: none by steps.</summary>
    public long? EverySteps { get; init; }

    /// <summary>Epochs between two checkpoints; default 1, 0: none at the end of epochs.</summary>
    public int EveryEpochs { get; init; } = 1;

    /// <summary>Minutes between two checkpoints, by the clock of the first trainer; default null: none by time.</summary>
    public double? EveryMinutes { get; init; }

    /// <summary>How many checkpoints stay in the folder, at least 1; default 3.</summary>
    public int Keep { get; init; } = 3;

    /// <summary>
    /// How many files of a server hold all its rows together, at least 1; default 8. Each has the rows that changed since the checkpoint before, and
    /// this part of the others; 1: each has all.
    /// </summary>
    public int Increments { get; init; } = 8;

    /// <summary>Whether the state of the optimizer is left out; default false.</summary>
    public bool WeightsOnly { get; init; }

    /// <summary>Saves what is due only if its metric is better than those of all checkpoints before; default null: saves all that is due.</summary>
    public BestMetric? Best { get; init; }

    /// <summary>Checks the ranges.</summary>
    internal void Check()
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(EverySteps ?? 1, 1, nameof(EverySteps));
        ArgumentOutOfRangeException.ThrowIfNegative(EveryEpochs, nameof(EveryEpochs));
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(EveryMinutes ?? 1, nameof(EveryMinutes));
        ArgumentOutOfRangeException.ThrowIfLessThan(Keep, 1, nameof(Keep));
        ArgumentOutOfRangeException.ThrowIfLessThan(Increments, 1, nameof(Increments));
    }
}

/// <summary>Which metric is the better one.</summary>
public enum BestMetric
{
    /// <summary>The lower, as of a loss.</summary>
    Lowest,

    /// <summary>The higher, as of an AUC.</summary>
    Highest,
}
