using OpenEmbedding.Trainer.Models;
using static TorchSharp.torch;

namespace OpenEmbedding.Trainer.Tests.Models;

public sealed class SeededWeightsTests
{
    private const int Rows = 300;
    private const int Columns = 200;
    private static readonly SeededWeights _weights = new(seed: 11, ScalarType.Float64, CPU);

    [Fact]
    public void Glorot_normal_has_its_variance_and_is_cut_at_two_deviations()
    {
        using Tensor drawn = _weights.GlorotNormal("a", Rows, Columns);
        double[] values = drawn.data<double>().ToArray();
        double deviation = Math.Sqrt(2.0 / (Rows + Columns));

        Assert.Equal([Rows, Columns], drawn.shape);
        Assert.Equal(0, values.Average(), deviation * 0.02);
        Assert.Equal(1, values.Average(value => value * value) / (deviation * deviation), 0.02);
        Assert.InRange(values.Max(Math.Abs), deviation * 2.2, deviation * 2 / 0.8796);
    }

    [Fact]
    public void Glorot_uniform_fills_its_interval()
    {
        using Tensor drawn = _weights.GlorotUniform("a", Rows, Columns);
        double[] values = drawn.data<double>().ToArray();
        double limit = Math.Sqrt(6.0 / (Rows + Columns));

        Assert.Equal(0, values.Average(), limit * 0.02);
        Assert.Equal(1.0 / 3, values.Average(value => value * value) / (limit * limit), 0.01);
        Assert.InRange(values.Max(Math.Abs), limit * 0.999, limit);
    }

    [Fact]
    public void Names_have_streams_of_their_own()
    {
        using Tensor first = _weights.GlorotUniform("dnn.0.weight", Rows, Columns);
        using Tensor second = _weights.GlorotUniform("dnn.1.weight", Rows, Columns);
        double correlation = first.data<double>().Zip(second.data<double>(), (x, y) => x * y).Average() * 3 * (Rows + Columns) / 6;

        Assert.Equal(0, correlation, 0.02);
    }
}
