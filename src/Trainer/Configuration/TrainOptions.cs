using System.ComponentModel.DataAnnotations;

namespace OpenEmbedding.Trainer.Configuration;

/// <summary>How long and in what portions the job trains.</summary>
public sealed record TrainOptions
{
    /// <summary>Rows per step and trainer.</summary>
    [Range(1, 16777216)]
    public int BatchSize { get; init; } = 4096;

    /// <summary>Passes over the training rows; 0: none is trained on, and what was loaded is tested, saved and exported.</summary>
    [Range(0, 1000000)]
    public int Epochs { get; init; } = 1;

    /// <summary>The most steps of an epoch; left out, until all rows are read.</summary>
    [Range(typeof(long), "1", "9223372036854775807")]
    public long? Steps { get; init; }

    /// <summary>Batches that are read ahead, besides the one that is pulled while a step runs; left out, 1, or what <c>autotune</c> finds.</summary>
    [Range(0, 1024)]
    public int? Prefetch { get; init; }

    /// <summary>Steps between two lines of progress; 0 reports at the end of an epoch only.</summary>
    [Range(0, 1000000000)]
    public int LogEvery { get; init; } = 100;
}
