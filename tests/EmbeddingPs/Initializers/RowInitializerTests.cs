using OpenEmbedding.Collectives;
using OpenEmbedding.EmbeddingPs.Initializers;
using OpenEmbedding.EmbeddingPs.Tests.Tables;

namespace OpenEmbedding.EmbeddingPs.Tests.Initializers;

public class RowInitializerTests
{
    private const int Rows = 20_000;
    private const int Dimension = 9;

    public static TheoryData<string> Names => [.. ByName.Keys];

    private static Dictionary<string, InitializerOptions> ByName { get; } = new()
    {
        ["normal"] = new RandomNormalOptions { Mean = 0.25, Stddev = 0.5 },
        ["truncated"] = new TruncatedNormalOptions { Mean = -0.25, Stddev = 0.5 },
        ["uniform"] = new RandomUniformOptions { Minimum = -0.5, Maximum = 1.5 },
    };

    [Fact]
    public void ConstantsFillTheRow()
    {
        Assert.All(Draw(new ConstantOptions(), rows: 3), w => Assert.Equal(0, w));
        Assert.All(Draw(new ConstantOptions { Value = 1 }, rows: 3), w => Assert.Equal(1, w));
    }

    [Fact]
    public void NormalHasItsMoments()
    {
        double[] values = Draw(ByName["normal"]);
        AssertMoments(values, 0.25, 0.5);
        AssertShare(values, w => Math.Abs(w - 0.25) < 0.5, 0.6827);
        AssertShare(values, w => Math.Abs(w - 0.25) < 1.0, 0.9545);
        AssertShare(values, w => w < 0.25 - 1.5, 0.00135);
    }

    [Fact]
    public void TruncatedNormalStaysWithinTwoDeviations()
    {
        // The variance of a normal cut at ±2: 1 − 2·2φ(2)/(2Φ(2) − 1) = 0.7737
        double[] values = Draw(ByName["truncated"]);
        Assert.All(values, w => Assert.InRange(w, -1.25, 0.75));
        AssertMoments(values, -0.25, 0.5 * Math.Sqrt(0.7737413));
        AssertShare(values, w => Math.Abs(w + 0.25) < 0.5, 0.6827 / 0.9545);
    }

    [Fact]
    public void UniformFillsItsRangeEvenly()
    {
        double[] values = Draw(ByName["uniform"]);
        Assert.All(values, w => Assert.InRange(w, -0.5, 1.5));
        AssertMoments(values, 0.5, 2 / Math.Sqrt(12));
        for (int tenth = 0; tenth < 10; tenth++)
        {
            AssertShare(values, w => w >= -0.5 + 0.2 * tenth && w < -0.3 + 0.2 * tenth, 0.1);
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void NeighboursAreNotCorrelated(string name)
    {
        double[] values = Draw(ByName[name]);
        foreach (int distance in new[] { 1, 2, Dimension, 2 * Dimension })
        {
            AssertUncorrelated(values[..^distance], values[distance..]);
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void SeedTableAndKeyEachMatter(string name)
    {
        double[] values = Draw(ByName[name]);
        AssertUncorrelated(values, Draw(ByName[name], seed: 8));
        AssertUncorrelated(values, Draw(ByName[name], table: "other"));
        AssertUncorrelated(values, Draw(ByName[name], firstKey: 1L << 40));
        Assert.Equal(values, Draw(ByName[name]));
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void AnElementDoesNotDependOnTheDimension(string name)
    {
        double[] longest = Draw(ByName[name], rows: 1, dimension: 4096);
        foreach (int dimension in new[] { 1, 2, 3, 9, 1000 })
        {
            Assert.Equal(longest[..dimension], Draw(ByName[name], rows: 1, dimension: dimension));
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Float32IsFloat64Rounded(string name)
    {
        var initializer = RowInitializer.Create(ByName[name], 7, "table", ElementType.Float32);
        using var row = new NativeArray<float>(Dimension);
        initializer.Fill(5, row.Address, Dimension);
        Assert.Equal(Draw(ByName[name], rows: 1, firstKey: 5).Select(w => (float)w), row.Span.ToArray());
    }

    [Fact]
    public void TheStreamStaysTheSameForEver()
    {
        // Rows never stored are drawn again after a restart, so the generator may never change.
        Assert.Equal(
            [0.9394093446306433, 0.7437368754070064],
            Draw(new RandomUniformOptions { Minimum = 0, Maximum = 1 }, rows: 1, dimension: 2, firstKey: 123456789));
    }

    [Fact]
    public void AnOptionOutOfRangeIsNamed()
    {
        AssertRefused(new RandomNormalOptions { Stddev = -1 }, "Table t: initializer stddev must be at least 0, not -1.");
        AssertRefused(new TruncatedNormalOptions { Mean = double.NaN }, "Table t: initializer mean must be finite, not NaN.");
        AssertRefused(
            new RandomUniformOptions { Minimum = 2, Maximum = 1 }, "Table t: initializer maximum must be at least the minimum 2, not 1.");
    }

    private static void AssertRefused(InitializerOptions options, string message)
    {
        var error = Assert.Throws<OpenEmbeddingException>(() => RowInitializer.Create(options, 0, "t", ElementType.Float32));
        Assert.Equal(message, error.Message);
        Assert.Equal(JobExitCode.Configuration, error.ExitCode);
    }

    private static double[] Draw(
        InitializerOptions options, int rows = Rows, int dimension = Dimension, long seed = 7, string table = "table", long firstKey = 0)
    {
        var initializer = RowInitializer.Create(options, seed, table, ElementType.Float64);
        using var weights = new NativeArray<double>(rows * dimension);
        for (int row = 0; row < rows; row++)
        {
            initializer.Fill(firstKey + row, weights.Address + row * dimension * sizeof(double), dimension);
        }

        return weights.Span.ToArray();
    }

    private static void AssertMoments(double[] values, double mean, double stddev)
    {
        // Five standard errors: the draws are fixed, so this holds always or never.
        double actualMean = values.Average();
        double actualVariance = values.Average(w => (w - actualMean) * (w - actualMean));
        Assert.InRange(actualMean, mean - 5 * stddev / Math.Sqrt(values.Length), mean + 5 * stddev / Math.Sqrt(values.Length));
        Assert.InRange(actualVariance / (stddev * stddev), 1 - 5 * Math.Sqrt(2.0 / values.Length), 1 + 5 * Math.Sqrt(2.0 / values.Length));
    }

    private static void AssertShare(double[] values, Predicate<double> belongs, double expected)
    {
        double share = Array.FindAll(values, belongs).Length / (double)values.Length;
        double error = 5 * Math.Sqrt(expected * (1 - expected) / values.Length) + 1e-4;
        Assert.InRange(share, expected - error, expected + error);
    }

    private static void AssertUncorrelated(double[] left, double[] right)
    {
        double leftMean = left.Average();
        double rightMean = right.Average();
        double product = left.Zip(right, (a, b) => (a - leftMean) * (b - rightMean)).Average();
        double scale = Math.Sqrt(left.Average(a => (a - leftMean) * (a - leftMean)) * right.Average(b => (b - rightMean) * (b - rightMean)));
        Assert.InRange(product / scale, -5 / Math.Sqrt(left.Length), 5 / Math.Sqrt(left.Length));
    }
}
