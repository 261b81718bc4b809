using OpenEmbedding.EmbeddingPs.Optimizers;

namespace OpenEmbedding.EmbeddingPs.Tests.Optimizers;

/// <summary>Steps small enough to follow on paper: one weight, round numbers.</summary>
public class HandComputedStepTests
{
    [Fact]
    public void Sgd()
    {
        // 1 − 0.1·2
        AssertPath(new SgdOptions { LearningRate = 0.1 }, 1, (2, 0.8));
    }

    [Fact]
    public void SgdWithMomentum()
    {
        // m = 0.2, then 0.5·0.2 + 0.2 = 0.3
        AssertPath(new SgdOptions { LearningRate = 0.1, Momentum = 0.5 }, 1, (2, 0.8), (2, 0.5));
    }

    [Fact]
    public void SgdWithNesterovMomentum()
    {
        // m = 0.2: move 0.1 + 0.2; m = 0.3: move 0.15 + 0.2
        AssertPath(new SgdOptions { LearningRate = 0.1, Momentum = 0.5, Nesterov = true }, 1, (2, 0.7), (2, 0.35));
    }

    [Fact]
    public void Adagrad()
    {
        // a = 5 + 4 = 9: move 0.1·2/(3 + 1); a = 9 + 16 = 25: move 0.1·4/(5 + 1)
        var options = new AdagradOptions { LearningRate = 0.1, InitialAccumulatorValue = 5, Epsilon = 1 };
        AssertPath(options, 1, (2, 0.95), (4, 0.95 - 0.4 / 6));
    }

    [Fact]
    public void Adadelta()
    {
        // a = 2, u = 2·√2/√4 = √2, d = 1; then a = 3, u = 2·√3/√5
        var options = new AdadeltaOptions { LearningRate = 1, Rho = 0.5, Epsilon = 2 };
        double first = 1 - Math.Sqrt(2);
        AssertPath(options, 1, (2, first), (2, first - 2 * Math.Sqrt(3.0 / 5)));
    }

    [Fact]
    public void Adam()
    {
        // m = 1, v = 1, rate √0.25/0.5 = 1: move 1/2; then m = 0.5, v = 0.75, rate √0.4375/0.75: move rate·0.5/(√0.75 + 1)
        var options = new AdamOptions { LearningRate = 1, Beta1 = 0.5, Beta2 = 0.75, Epsilon = 1 };
        double second = 0.5 - Math.Sqrt(0.4375) / 0.75 * 0.5 / (Math.Sqrt(0.75) + 1);
        AssertPath(options, 1, (2, 0.5), (0, second));
    }

    [Fact]
    public void AdamWithAmsgrad()
    {
        // As above, but the largest v stays 1: move rate·0.5/2
        var options = new AdamOptions { LearningRate = 1, Beta1 = 0.5, Beta2 = 0.75, Epsilon = 1, Amsgrad = true };
        AssertPath(options, 1, (2, 0.5), (0, 0.5 - Math.Sqrt(0.4375) / 0.75 * 0.25));
    }

    [Fact]
    public void Adamax()
    {
        // m = 1, u = 2, rate 2: move 2/3; then m = 0.25, u = max(1, 0.5), rate 4/3: move 1/6
        var options = new AdamaxOptions { LearningRate = 1, Beta1 = 0.5, Beta2 = 0.5, Epsilon = 1 };
        AssertPath(options, 1, (2, 1.0 / 3), (-0.5, 1.0 / 6));
    }

    [Fact]
    public void Nadam()
    {
        // μ = 0.25, Π₁ = 1/4, Π₂ = 1/16; ĝ = 8/3, m̂ = 16/15, v̂ = 4: move (3/4·8/3 + 1/4·16/15)/(2 + 1) = 34/45
        var options = new NadamOptions { LearningRate = 1, Beta1 = 0.5, Beta2 = 0.75, Epsilon = 1, ScheduleDecay = 0 };
        AssertPath(options, 1, (2, 11.0 / 45));
    }

    [Fact]
    public void Rmsprop()
    {
        // s = 1: move 2/√(1 + 3)
        AssertPath(new RmspropOptions { LearningRate = 1, Rho = 0.75, Epsilon = 3 }, 1, (2, 0));
    }

    [Fact]
    public void RmspropWithMomentum()
    {
        // q = 1, then 0.5·1 + 0
        AssertPath(new RmspropOptions { LearningRate = 1, Rho = 0.75, Epsilon = 3, Momentum = 0.5 }, 1, (2, 0), (0, -0.5));
    }

    [Fact]
    public void RmspropCentered()
    {
        // s = 1, c = 0.5: move 2/√(1 − 0.25 + 0.25)
        AssertPath(new RmspropOptions { LearningRate = 1, Rho = 0.75, Epsilon = 0.25, Centered = true }, 1, (2, -1));
    }

    [Fact]
    public void Ftrl()
    {
        // a = 4, z = 2 − 2·0.5 = 1, λ₂ = 0.5 + 0.5: w = (0.5 − 1)/(2 + 2)
        var options = new FtrlOptions { LearningRate = 1, InitialAccumulatorValue = 0, L1 = 0.5, L2 = 0.5, Beta = 1 };
        AssertPath(options, 0.5, (2, -0.125));

        // g' = 2 + 2·0.5·0.5, z = 1.5: w = (0.5 − 1.5)/4
        AssertPath(options with { L2Shrinkage = 0.5 }, 0.5, (2, -0.25));

        // z within l1: exactly 0
        AssertPath(options with { L1 = 1 }, 0.5, (2, 0));
    }

    private static void AssertPath(OptimizerOptions options, double start, params (double Gradient, double Weight)[] steps)
    {
        using var wide = new RowOfWeights<double>(options, [start]);
        using var narrow = new RowOfWeights<float>(options, [(float)start]);
        foreach (var (gradient, weight) in steps)
        {
            wide.Step([gradient]);
            narrow.Step([(float)gradient]);
            Assert.Equal(weight, wide.Weights[0], 12);
            Assert.Equal(weight, narrow.Weights[0], 6);
        }
    }
}
