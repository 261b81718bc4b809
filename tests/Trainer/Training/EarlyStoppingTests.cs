using OpenEmbedding.Trainer.Configuration;
using OpenEmbedding.Trainer.Training;

namespace OpenEmbedding.Trainer.Tests.Training;

public sealed class EarlyStoppingTests
{
    [Theory]
    [InlineData(TestScore.Auc, 0, new[] { 0.7, 0.71, 0.709, 0.71 }, true)]
    [InlineData(TestScore.Auc, 0, new[] { 0.7, 0.71, 0.709, 0.7101 }, false)]
    [InlineData(TestScore.Auc, 0.01, new[] { 0.7, 0.705, 0.709 }, true)]
    [InlineData(TestScore.Auc, 0.01, new[] { 0.7, 0.705, 0.711 }, false)]
    [InlineData(TestScore.Logloss, 0, new[] { 0.5, 0.51, 0.5 }, true)]
    [InlineData(TestScore.Logloss, 0, new[] { 0.5, 0.51, 0.49 }, false)]
    public void Two_tests_without_a_better_score_end_training(TestScore score, double minDelta, double[] scores, bool over)
    {
        var early = new EarlyStopping(new EarlyStoppingOptions { Patience = 2, Score = score, MinDelta = minDelta });
        foreach (double value in scores)
        {
            Assert.False(early.IsOver);
            early.Add(score == TestScore.Auc ? new Quality(1, 0.5, value) : new Quality(1, value, 0.5));
        }

        Assert.Equal(over, early.IsOver);
        var again = new EarlyStopping(new EarlyStoppingOptions { Patience = 2, Score = score, MinDelta = minDelta });
        again.GoOnFrom(early.Best, early.TestsSinceBest);
        Assert.Equal(over, again.IsOver);
    }

    [Fact]
    public void Without_patience_training_goes_on()
    {
        var early = new EarlyStopping(new EarlyStoppingOptions());
        foreach (double auc in (double[])[0.7, 0.6, 0.5, 0.4])
        {
            early.Add(new Quality(1, 0.5, auc));
        }

        Assert.False(early.IsOver);
        Assert.Equal((0.7, 3), (early.Best, early.TestsSinceBest));
    }
}
