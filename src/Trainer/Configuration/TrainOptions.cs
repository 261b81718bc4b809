using System.ComponentModel.DataAnnotations;

namespace OpenEmbedding.Trainer.Configuration;

/// <summary>How long and in what portions the job trains.</summary>
public sealed record TrainOptions
{
    /// <summary>Rows per step and trainer.</summary>
    [Range(1, 16777216)]
    public int BatchSize { get; init; } = 4096;

    /// <summary>
    /// Rows of a batch that are computed at once; left out, all. The gradients of the parts are added up before the update, so that a batch may be larger
    /// than memory allows.
    /// </summary>
    [Range(1, 16777216)]
    public int? MicroBatchSize { get; init; }

    /// <summary>
    /// Where the dense part is computed: <c>cuda</c> on the GPUs, the trainers of a host taking its GPUs in turn, <c>cpu</c> on the processor, <c>auto</c> on GPUs where
    /// every trainer has one.
    /// </summary>
    public DeviceKind Device { get; init; } = DeviceKind.Auto;

    /// <summary>Passes over the training rows; 0: none is trained on, and what was loaded is tested, saved and exported.</summary>
    [Range(0, 1000000)]
    public int Epochs { get; init; } = 1;

    /// <summary>The most steps of an epoch; left out, until all rows are read.</summary>
    [Range(typeof(long), "1", "9223372036854775807")]
    public long? Steps { get; init; }

    /// <summary>Steps between two tests on the rows of <c>data.test</c>, besides those at the end of epochs; left out, those only.</summary>
    [Range(typeof(long), "1", "9223372036854775807")]
    public long? TestEverySteps { get; init; }

    /// <summary>
    /// A column of <c>data.sparse</c>, such as the user: tests also tell the area under the ROC curve within the rows of each of its keys, their mean weighted by rows. Left
    /// out, they do not.
    /// </summary>
    [MinLength(1)]
    public string? TestGroupBy { get; init; }

    /// <summary>What multiplies the loss of rows with label 1 in training; reported losses are without it.</summary>
    [Range(0.0, double.PositiveInfinity, MinimumIsExclusive = true)]
    public double PositiveWeight { get; init; } = 1;

    /// <summary>What multiplies the loss of rows with label 0 in training; reported losses are without it.</summary>
    [Range(0.0, double.PositiveInfinity, MinimumIsExclusive = true)]
    public double NegativeWeight { get; init; } = 1;

    /// <summary>The largest magnitude of an element of a gradient, which is summed over the global batch; beyond it is cut. Left out, any.</summary>
    [Range(0.0, double.PositiveInfinity, MinimumIsExclusive = true)]
    public double? ClipValue { get; init; }

    /// <summary>
    /// The largest L2 norm of the gradient of a dense parameter or of a row, summed over the global batch; a longer one is scaled down to it. Left out, any.
    /// </summary>
    [Range(0.0, double.PositiveInfinity, MinimumIsExclusive = true)]
    public double? ClipNorm { get; init; }

    /// <summary>Batches that are read ahead, besides the one that is pulled while a step runs; left out, 1, or what <c>autotune</c> finds.</summary>
    [Range(0, 1024)]
    public int? Prefetch { get; init; }

    /// <summary>Steps between two lines of progress; 0 reports at the end of an epoch only.</summary>
    [Range(0, 1000000000)]
    public int LogEvery { get; init; } = 100;
}

/// <summary>Where the dense part of a model is computed.</summary>
public enum DeviceKind
{
    /// <summary>On GPUs where every trainer has one, else on the processor.</summary>
    Auto,

    /// <summary>On the processor.</summary>
    Cpu,

    /// <summary>On GPUs.</summary>
    Cuda,
}
