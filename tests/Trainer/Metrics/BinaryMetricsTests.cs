using CsCheck;
using OpenEmbedding.Trainer.Metrics;

namespace OpenEmbedding.Trainer.Tests.Metrics;

public sealed class BinaryMetricsTests
{
    private static readonly Gen<float> Score = Gen.OneOf(
        Gen.Float[-8, 8],
        Gen.Float[-0.01f, 0.01f],
        Gen.Int[-3, 3].Select(i => (float)i),
        Gen.OneOfConst(0f, -0f, 1e-30f, -1e-30f, 300f, -300f));

    [Fact]
    public void LossOfThreeSamplesByHand()
    {
        BinaryMetrics metrics = new();
        metrics.Add([0f, 2f, -1f], [1f, 0f, 0f]);

        double expected = (Math.Log(2) + Math.Log(1 + Math.Exp(2)) + Math.Log(1 + Math.Exp(-1))) / 3;
        Assert.Equal(expected, metrics.LogLoss, 12);
        Assert.Equal(3, metrics.Count);
        Assert.Equal(0.5, metrics.Auc, 12);
    }

    [Theory]
    [InlineData(1000f, 0f, 1000.0)]
    [InlineData(-1000f, 1f, 1000.0)]
    [InlineData(1000f, 1f, 0.0)]
    [InlineData(-40f, 0f, 4.248354255291589e-18)]
    public void LossStaysExactFarFromZero(float logit, float label, double expected)
    {
        BinaryMetrics metrics = new();
        metrics.Add([logit], [label]);
        Assert.Equal(expected, metrics.LogLoss, Math.Max(expected * 1e-12, 1e-30));
    }

    [Fact]
    public void AreaIsNotANumberWithOneClassOrABrokenModel()
    {
        BinaryMetrics metrics = new();
        Assert.True(double.IsNaN(metrics.LogLoss));
        metrics.Add([1f, 2f], [1f, 1f]);
        Assert.True(double.IsNaN(metrics.Auc));
        metrics.Add([float.NaN], [0f]);
        Assert.True(double.IsNaN(metrics.Auc));
        Assert.True(double.IsNaN(metrics.LogLoss));

        metrics.Reset();
        metrics.Add([1f, 2f], [0f, 1f]);
        Assert.Equal(1, metrics.Auc);
        Assert.Equal(2, metrics.Count);
    }

    [Fact]
    public void AreaEqualsTheExactOneWithTies()
    {
        // Scores that are far apart or equal, so that no two different ones share a bin.
        Gen<float> grid = Gen.Int[-40, 40].Select(i => i / 8f);
        Gen.Select(grid, Gen.Bool).Array[2, 300].Sample(samples =>
        {
            float[] scores = [.. samples.Select(s => s.Item1)];
            float[] labels = [.. samples.Select(s => s.Item2 ? 1f : 0f)];
            BinaryMetrics metrics = new();
            metrics.Add(scores, labels);
            double exact = ExactAuc.Of(scores, labels);
            return double.IsNaN(exact) ? double.IsNaN(metrics.Auc) : Math.Abs(exact - metrics.Auc) < 1e-12;
        });
    }

    [Theory]
    [InlineData(0.0, 1.0)]
    [InlineData(-1.3, 0.8)]
    [InlineData(-1.3, 0.01)]
    [InlineData(-1.3, 0.001)]
    [InlineData(0.0, 1e-6)]
    [InlineData(0.4, 0.05)]
    [InlineData(5.0, 0.05)]
    public void AreaEqualsTheExactOneForNormalScores(double mean, double spread)
    {
        Random random = new(7);
        float[] scores = new float[40_000], labels = new float[scores.Length];
        for (int i = 0; i < scores.Length; i++)
        {
            double normal = Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
            labels[i] = random.NextDouble() < 0.22 ? 1 : 0;
            scores[i] = (float)(mean + (spread * (normal + labels[i])));
        }

        BinaryMetrics metrics = new();
        metrics.Add(scores, labels);
        Assert.Equal(ExactAuc.Of(scores, labels), metrics.Auc, 1e-4);
    }

    [Fact]
    public void SumOfPartsIsTheWholeForAnyOrder() =>
        Gen.Select(Gen.Select(Score, Gen.Bool).Array[1, 100], Gen.Int[1, 4]).Sample(
            (samples, ranks) =>
            {
                BinaryMetrics whole = new(), merged = new();
                whole.Add([.. samples.Select(s => s.Item1)], [.. samples.Select(s => s.Item2 ? 1f : 0f)]);
                for (int rank = 0; rank < ranks; rank++)
                {
                    BinaryMetrics part = new();
                    (float, bool)[] mine = [.. samples.Where((_, i) => i % ranks == rank)];
                    part.Add([.. mine.Select(s => s.Item1)], [.. mine.Select(s => s.Item2 ? 1f : 0f)]);
                    for (int i = 0; i < part.Counts.Length; i++)
                    {
                        merged.Counts[i] += part.Counts[i];
                    }

                    merged.Sums[0] += part.Sums[0];
                }

                Assert.Equal(whole.Count, merged.Count);
                Assert.True(whole.Counts.SequenceEqual(merged.Counts));
                Assert.Equal(whole.LogLoss, merged.LogLoss, 1e-12 * Math.Max(1, whole.LogLoss));
            },
            iter: 20);

    [Fact]
    public void UnequalLengthsAreRefused() =>
        Assert.Throws<ArgumentOutOfRangeException>(() => new BinaryMetrics().Add([1f, 2f], [1f]));
}
