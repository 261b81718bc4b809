using OpenEmbedding.Trainer.Configuration;

namespace OpenEmbedding.Trainer.Training;

/// <summary>Watches the scores of the test rows; all trainers see the same, so all end together.</summary>
internal sealed class EarlyStopping(EarlyStoppingOptions options)
{
    /// <summary>The best score so far, by which later ones are measured; null before the first.</summary>
    public double? Best { get; private set; }

    /// <summary>Tests since then, none of them better.</summary>
    public int TestsSinceBest { get; private set; }

    /// <summary>Whether training ends.</summary>
    public bool IsOver => options.Patience is { } patience && TestsSinceBest >= patience;

    /// <summary>Why, for people.</summary>
    public string Reason => FormattableString.Invariant(
        $"training ends: {TestsSinceBest} tests without a better {options.Score.ToString().ToLowerInvariant()} than {Best:F5}");

    /// <summary>Goes on from a checkpoint.</summary>
    public void GoOnFrom(double? best, int testsSinceBest) => (Best, TestsSinceBest) = (best, testsSinceBest);

    /// <summary>Takes a test; one without a score, as of rows of one class, is no better.</summary>
    public void Add(Quality test)
    {
        double? score = options.Score == TestScore.Auc ? test.Auc : test.Logloss;
        double gain = options.Score == TestScore.Auc ? score - Best ?? 0 : Best - score ?? 0;
        if (score is not null && (Best is null || gain > options.MinDelta))
        {
            (Best, TestsSinceBest) = (score, 0);
        }
        else
        {
            TestsSinceBest++;
        }
    }
}
