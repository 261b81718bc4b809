using OpenEmbedding.EmbeddingPs.Optimizers;

namespace OpenEmbedding.Trainer.Configuration;

/// <summary>Everything that defines a job, the same on every rank.</summary>
public sealed partial record JobOptions
{
    /// <summary>Which rows the job reads.</summary>
    public required DataOptions Data { get; init; }

    /// <summary>The model and its dense part.</summary>
    public ModelOptions Model { get; init; } = new();

    /// <summary>The embedding tables.</summary>
    public EmbeddingOptions Embedding { get; init; } = new();

    /// <summary>The update rule of all weights; without <c>name</c>, Adagrad with the keys that are given.</summary>
    public OptimizerOptions Optimizer { get; init; } = new AdagradOptions();

    /// <summary>What multiplies the learning rates of dense weights and rows, step by step; by default nothing does.</summary>
    public RateSchedule Schedule { get; init; } = new();

    /// <summary>How long and in what portions the job trains.</summary>
    public TrainOptions Train { get; init; } = new();

    /// <summary>When training ends because the test rows are scored no better.</summary>
    public EarlyStoppingOptions EarlyStopping { get; init; } = new();

    /// <summary>Where training begins.</summary>
    public LoadOptions Load { get; init; } = new();

    /// <summary>When the state of training is saved.</summary>
    public CheckpointOptions Checkpoint { get; init; } = new();

    /// <summary>What the ranks do and how they talk.</summary>
    public ClusterOptions Cluster { get; init; } = new();

    /// <summary>Whether settings that decide the speed alone are searched during the first steps; a key of theirs that is given stays as it is.</summary>
    public AutotuneOptions Autotune { get; init; } = new();

    /// <summary>What the job reports and leaves behind.</summary>
    public OutputOptions Output { get; init; } = new();
}
