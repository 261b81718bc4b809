using OpenEmbedding.EmbeddingPs.Initializers;
using OpenEmbedding.EmbeddingPs.Optimizers;
using OpenEmbedding.EmbeddingPs.Tables;
using OpenEmbedding.EmbeddingPs.Tests.Tables;

namespace OpenEmbedding.EmbeddingPs.Tests.Optimizers;

public class GradientShapingTests
{
    [Theory]
    [InlineData(null, null, new[] { 3.0, -4, 0, 12 })]
    [InlineData(3.5, null, new[] { 3.0, -3.5, 0, 3.5 })]
    [InlineData(null, 6.5, new[] { 1.5, -2, 0, 6 })]
    [InlineData(null, 13.0, new[] { 3.0, -4, 0, 12 })]
    [InlineData(4.0, 2.0, new[] { 6 / 6.4031242374328485, -8 / 6.4031242374328485, 0, 8 / 6.4031242374328485 })]
    public void Values_are_cut_then_the_norm_is_scaled(double? value, double? norm, double[] expected)
    {
        double[] gradient = [3, -4, 0, 12];
        new GradientShaping(0, value, norm).Clip<double>(gradient);
        Assert.Equal(expected, gradient.Select(element => Math.Round(element, 12)), (a, b) => Math.Abs(a - b) < 1e-11);
    }

    /// <summary>Each row of a table by its own norm, the regularization included.</summary>
    [Fact]
    public unsafe void A_table_clips_row_by_row()
    {
        var options = new TableOptions
        {
            Name = "t",
            Kind = TableKind.Array,
            Vocabulary = 4,
            Dimension = 2,
            Optimizer = new SgdOptions { LearningRate = 1 },
            Initializer = new ConstantOptions { Value = 1 },
            L2 = 0.5,
            ClipNorm = 5,
        };
        using var table = EmbeddingTable.Create(options, 0, 1);
        long[] rows = new long[2];
        table.FindOrAdd([0, 3], rows);
        using var gradients = new NativeArray<float>(4);
        ((float[])[29, 39, 2, 3]).CopyTo(gradients.Span);
        table.Apply(rows, gradients.Address);

        using var weights = new NativeArray<float>(4);
        table.Gather(rows, weights.Address);
        Assert.Equal([1f - 3, 1f - 4, 1f - 3, 1f - 4], weights.Span.ToArray());
    }
}
