using System.ComponentModel.DataAnnotations;

namespace OpenEmbedding.Trainer.Configuration;

/// <summary>When training ends because the test rows are scored no better.</summary>
public sealed record EarlyStoppingOptions
{
    /// <summary>Tests in a row without a better score that end training; left out, none do.</summary>
    [Range(1, 1000000)]
    public int? Patience { get; init; }

    /// <summary>The score.</summary>
    public TestScore Score { get; init; } = TestScore.Auc;

    /// <summary>By how much a score must be better than the best so far to count.</summary>
    [Range(0.0, double.PositiveInfinity)]
    public double MinDelta { get; init; }
}

/// <summary>How well test rows are scored.</summary>
public enum TestScore
{
    /// <summary>The area under the ROC curve; larger is better.</summary>
    Auc,

    /// <summary>The mean log-loss; smaller is better.</summary>
    Logloss,
}
