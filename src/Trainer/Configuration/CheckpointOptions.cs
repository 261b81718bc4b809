using System.ComponentModel.DataAnnotations;

namespace OpenEmbedding.Trainer.Configuration;

/// <summary>When the state of training is saved: rows with their slots, dense weights with theirs, and the place in the data.</summary>
public sealed record CheckpointOptions
{
    /// <summary>A folder for checkpoints, reachable from every rank; left out, none is written.</summary>
    [MinLength(1)]
    public string? Directory { get; init; }

    /// <summary>Whether training goes on from the newest checkpoint of the folder; where there is none, it begins as without this key.</summary>
    public bool Resume { get; init; }

    /// <summary>Epochs between two checkpoints; 0: none at the end of epochs.</summary>
    [Range(0, 1000000)]
    public int EveryEpochs { get; init; } = 1;

    /// <summary>Steps between two checkpoints; left out, none between the ends of epochs.</summary>
    [Range(typeof(long), "1", "9223372036854775807")]
    public long? EverySteps { get; init; }

    /// <summary>Minutes between two checkpoints, by the clock of the first trainer; left out, none by time.</summary>
    [Range(0.001, 525600.0)]
    public double? EveryMinutes { get; init; }

    /// <summary>How many checkpoints stay in the folder; older ones are removed.</summary>
    [Range(1, 1000000)]
    public int Keep { get; init; } = 3;

    /// <summary>
    /// How many files of a server hold all its rows together: each has the rows that changed since the checkpoint before, and this part of the others. 1: each has all.
    /// </summary>
    [Range(1, 1000)]
    public int Increments { get; init; } = 8;
}
