using System.ComponentModel.DataAnnotations;

namespace OpenEmbedding.Trainer.Configuration;

/// <summary>Where training begins.</summary>
public sealed record LoadOptions
{
    /// <summary>A folder of checkpoints, of which the newest whole one is taken, or the manifest of one; left out, training begins with initial values.</summary>
    [MinLength(1)]
    public string? From { get; init; }

    /// <summary>What is taken of it.</summary>
    public LoadPart Part { get; init; } = LoadPart.All;
}

/// <summary>What is taken of a checkpoint.</summary>
public enum LoadPart
{
    /// <summary>Everything: training goes on where it stopped.</summary>
    All,

    /// <summary>All weights, no optimizer state; training begins at the first epoch.</summary>
    Weights,

    /// <summary>The dense weights only; training begins at the first epoch.</summary>
    Dense,

    /// <summary>The weights of the embedding rows only; training begins at the first epoch.</summary>
    Embeddings,
}
