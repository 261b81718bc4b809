using OpenEmbedding.EmbeddingPs.Optimizers;

namespace OpenEmbedding.EmbeddingPs.Tests.Optimizers;

public class RateScheduleTests
{
    /// <summary>By hand from the formulas of Keras and Horovod.</summary>
    [Theory]
    [InlineData(RateCurve.Constant, 0, 1)]
    [InlineData(RateCurve.Constant, 1_000_000, 1)]
    [InlineData(RateCurve.Exponential, 0, 1)]
    [InlineData(RateCurve.Exponential, 50, 0.5)]
    [InlineData(RateCurve.Exponential, 100, 0.25)]
    [InlineData(RateCurve.Exponential, 200, 0.0625)]
    [InlineData(RateCurve.Cosine, 0, 1)]
    [InlineData(RateCurve.Cosine, 50, 0.55)]
    [InlineData(RateCurve.Cosine, 25, 0.1 + (0.9 * 0.8535533905932737))]
    [InlineData(RateCurve.Cosine, 100, 0.1)]
    [InlineData(RateCurve.Cosine, 1000, 0.1)]
    [InlineData(RateCurve.Polynomial, 0, 1)]
    [InlineData(RateCurve.Polynomial, 50, 0.1 + (0.9 * 0.25))]
    [InlineData(RateCurve.Polynomial, 100, 0.1)]
    [InlineData(RateCurve.Polynomial, long.MaxValue, 0.1)]
    public void Curves_are_those_of_their_formulas(RateCurve curve, long step, double factor)
    {
        var schedule = new RateSchedule { Curve = curve, DecaySteps = 100, DecayRate = 0.25, End = 0.1, Power = 2 };
        Assert.Equal(factor, schedule.FactorAt(step), 1e-12);
    }

    [Theory]
    [InlineData(0, 0.25 + (0.75 * 0.25))]
    [InlineData(2, 0.25 + (0.75 * 0.75))]
    [InlineData(3, 1)]
    [InlineData(4, 1)]
    [InlineData(13, 1)]
    [InlineData(14, 0.5)]
    [InlineData(23, 0.5)]
    [InlineData(24, 0.25)]
    public void The_curve_begins_behind_the_warm_up_and_stairs_go_down_at_once(long step, double factor)
    {
        var schedule = new RateSchedule
        {
            Curve = RateCurve.Exponential,
            WarmupSteps = 4,
            WarmupFrom = 0.25,
            DecaySteps = 10,
            DecayRate = 0.5,
            Staircase = true,
        };
        Assert.Equal(factor, schedule.FactorAt(step), 1e-12);
    }

    /// <summary>Horovod's callback: size trainers, the learning rate of step i of s is lr/size · (i · (size − 1)/s + 1), i from 1.</summary>
    [Fact]
    public void The_warm_up_is_Horovods()
    {
        const int Size = 8;
        var schedule = new RateSchedule { WarmupSteps = 20, WarmupFrom = 1.0 / Size };
        for (int i = 1; i <= 20; i++)
        {
            Assert.Equal(1.0 / Size * ((i * (Size - 1) / 20.0) + 1), schedule.FactorAt(i - 1), 1e-12);
        }
    }

    public static TheoryData<string> Names => OptimizerCases.Names;

    /// <summary>A factor at every step is a rule with another learning rate at every step; halving is exact.</summary>
    [Theory]
    [MemberData(nameof(Names))]
    public void A_factor_multiplies_the_learning_rate(string name)
    {
        OptimizerOptions options = OptimizerCases.ByName[name];
        double[] first = [0.5, -0.25, 1];
        using var halved = new RowOfWeights<double>(options, first);
        using var half = new RowOfWeights<double>(options with { LearningRate = options.LearningRate / 2 }, first);
        using var whole = new RowOfWeights<double>(options, first);
        var random = new Random(1);
        for (int step = 0; step < 50; step++)
        {
            double[] gradient = [.. first.Select(_ => random.NextDouble() - 0.5)];
            halved.RateFactor = 0.5;
            halved.Step(gradient);
            half.Step(gradient);
            whole.RateFactor = 1;
            whole.Step(gradient);
        }

        Assert.Equal(half.Weights, halved.Weights);
        Assert.NotEqual(whole.Weights, halved.Weights);
    }
}
