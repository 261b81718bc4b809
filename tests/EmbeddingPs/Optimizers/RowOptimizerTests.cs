using System.Numerics;
using OpenEmbedding.Collectives;
using OpenEmbedding.EmbeddingPs.Optimizers;

namespace OpenEmbedding.EmbeddingPs.Tests.Optimizers;

public class RowOptimizerTests
{
    private const int Steps = 200;

    public static TheoryData<string> Names => OptimizerCases.Names;

    [Theory]
    [MemberData(nameof(Names))]
    public void Float32FollowsTheReference(string name) => FollowsTheReference<float>(name, 2e-4);

    [Theory]
    [MemberData(nameof(Names))]
    public void Float64FollowsTheReference(string name) => FollowsTheReference<double>(name, 1e-11);

    [Theory]
    [MemberData(nameof(Names))]
    public void EveryWidthGivesTheSameBits(string name)
    {
        SameBitsAlone<float>(name);
        SameBitsAlone<double>(name);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void ANaNInTheGradientReachesTheWeight(string name)
    {
        // Eleven elements touch the wide, the narrow and the scalar lane.
        using var row = new RowOfWeights<float>(OptimizerCases.ByName[name], new float[11]);
        row.Step(Enumerable.Repeat(float.NaN, 11).ToArray());
        Assert.All(row.Weights, w => Assert.True(float.IsNaN(w)));
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void AZeroGradientAtTheStartLeavesZeroAtZero(string name)
    {
        using var row = new RowOfWeights<double>(OptimizerCases.ByName[name], new double[5]);
        row.Step(new double[5]);
        Assert.All(row.Weights, w => Assert.Equal(0, w));
    }

    [Fact]
    public void NothingDividesByZeroWithoutEpsilon()
    {
        using var adagrad = new RowOfWeights<float>(new AdagradOptions { InitialAccumulatorValue = 0, Epsilon = 0 }, [1]);
        adagrad.Step([0]);
        Assert.Equal([1f], adagrad.Weights);
        using var ftrl = new RowOfWeights<float>(new FtrlOptions { InitialAccumulatorValue = 0 }, [1]);
        ftrl.Step([0]);
        Assert.Equal([0f], ftrl.Weights);
    }

    [Fact]
    public void CenteredRmspropSurvivesAConstantGradient()
    {
        // The variance is 0, and rounding may put its difference below.
        using var row = new RowOfWeights<float>(new RmspropOptions { Centered = true }, [1]);
        for (int i = 0; i < 1000; i++)
        {
            row.Step([1234.567f]);
        }

        Assert.True(float.IsFinite(row.Weights[0]));
    }

    [Theory]
    [InlineData("adam")]
    [InlineData("amsgrad")]
    [InlineData("adamax")]
    [InlineData("nadam")]
    public void StepCountsGoOnWhereTheCorrectionEnds(string name)
    {
        var reference = new ReferenceOptimizer(OptimizerCases.ByName[name]);
        using var row = new RowOfWeights<double>(OptimizerCases.ByName[name], [0.5]);
        double expected = 0.5;
        for (int i = 0; i < 60_000; i++)
        {
            double gradient = Math.Sin(i);
            expected = reference.Step(expected, gradient);
            row.Step([gradient]);
        }

        Assert.Equal(expected, row.Weights[0], 9);
    }

    [Theory]
    [InlineData("sgd", 0, 0)]
    [InlineData("momentum", 1, 0)]
    [InlineData("adagrad", 1, 0)]
    [InlineData("adadelta", 2, 0)]
    [InlineData("adam", 2, 1)]
    [InlineData("amsgrad", 3, 1)]
    [InlineData("adamax", 2, 1)]
    [InlineData("nadam", 2, 1)]
    [InlineData("rmsprop", 1, 0)]
    [InlineData("rmsprop, momentum", 2, 0)]
    [InlineData("rmsprop, momentum, centered", 3, 0)]
    [InlineData("ftrl", 2, 0)]
    public void SlotsAreAsDocumented(string name, int arrays, int counts)
    {
        foreach (int dimension in new[] { 1, 9, 64 })
        {
            int elements = arrays * dimension + counts;
            Assert.Equal(4 * elements, RowOptimizer.Create(OptimizerCases.ByName[name], ElementType.Float32).SlotBytes(dimension));
            Assert.Equal(8 * elements, RowOptimizer.Create(OptimizerCases.ByName[name], ElementType.Float64).SlotBytes(dimension));
        }
    }

    [Fact]
    public void AnOptionOutOfRangeIsNamed()
    {
        AssertRefused(new SgdOptions { LearningRate = 0 }, "Sgd: learning rate must be above 0, not 0.");
        AssertRefused(new SgdOptions { Momentum = 1 }, "Sgd: momentum must be in [0, 1), not 1.");
        AssertRefused(new AdamOptions { Beta2 = -0.5 }, "Adam: beta_2 must be in [0, 1), not -0.5.");
        AssertRefused(new AdagradOptions { Epsilon = double.NaN }, "Adagrad: epsilon must be at least 0, not NaN.");
        AssertRefused(new FtrlOptions { LearningRatePower = 0.5 }, "Ftrl: learning rate power must be at most 0, not 0.5.");
        AssertRefused(new NadamOptions { ScheduleDecay = -1 }, "Nadam: schedule decay must be at least 0, not -1.");
        var error = Assert.Throws<OpenEmbeddingException>(() => RowOptimizer.Create(new SgdOptions(), ElementType.Int32));
        Assert.Equal(JobExitCode.Configuration, error.ExitCode);
    }

    private static void AssertRefused(OptimizerOptions options, string message)
    {
        var error = Assert.Throws<OpenEmbeddingException>(() => RowOptimizer.Create(options, ElementType.Float32));
        Assert.Equal(message, error.Message);
        Assert.Equal(JobExitCode.Configuration, error.ExitCode);
    }

    private static void FollowsTheReference<T>(string name, double tolerance)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        foreach (int dimension in new[] { 1, 3, 9, 64, 1000 })
        {
            var random = new Random(dimension);
            T[] weights = Draw<T>(random, dimension, 0.1);
            double[] expected = Array.ConvertAll(weights, double.CreateChecked);
            var references = Array.ConvertAll(expected, _ => new ReferenceOptimizer(OptimizerCases.ByName[name]));
            using var row = new RowOfWeights<T>(OptimizerCases.ByName[name], weights);
            for (int step = 0; step < Steps; step++)
            {
                T[] gradient = Draw<T>(random, dimension, 1);
                row.Step(gradient);
                for (int i = 0; i < dimension; i++)
                {
                    expected[i] = references[i].Step(expected[i], double.CreateChecked(gradient[i]));
                }
            }

            T[] actual = row.Weights;
            double scale = expected.Max(Math.Abs);
            for (int i = 0; i < dimension; i++)
            {
                Assert.True(
                    Math.Abs(double.CreateChecked(actual[i]) - expected[i]) <= tolerance * scale,
                    $"{name}, dimension {dimension}, element {i}: {actual[i]}, not {expected[i]}");
            }
        }
    }

    private static void SameBitsAlone<T>(string name)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        const int Dimension = 15;
        var random = new Random(1);
        T[] weights = Draw<T>(random, Dimension, 0.1);
        using var row = new RowOfWeights<T>(OptimizerCases.ByName[name], weights);
        var alone = Array.ConvertAll(weights, w => new RowOfWeights<T>(OptimizerCases.ByName[name], [w]));
        for (int step = 0; step < Steps; step++)
        {
            T[] gradient = Draw<T>(random, Dimension, 1);
            row.Step(gradient);
            for (int i = 0; i < Dimension; i++)
            {
                alone[i].Step([gradient[i]]);
            }
        }

        Assert.Equal(alone.Select(a => a.Weights[0]), row.Weights);
        Array.ForEach(alone, a => a.Dispose());
    }

    private static T[] Draw<T>(Random random, int count, double scale)
        where T : IBinaryFloatingPointIeee754<T>
    {
        var values = new T[count];
        for (int i = 0; i < count; i++)
        {
            values[i] = T.CreateTruncating(scale * (2 * random.NextDouble() - 1));
        }

        return values;
    }
}
