using CsCheck;
using OpenEmbedding.Trainer.Training;

namespace OpenEmbedding.Trainer.Tests.Training;

public sealed class RowKernelsTests
{
    [Fact]
    public void GatherCopiesEveryRowToItsSamples() => Cases.Sample(c =>
    {
        double[] samples = new double[c.Index.Length * c.Dimension];
        RowKernels.Gather(c.Rows, c.Index, samples, c.Dimension);

        for (int i = 0; i < samples.Length; i++)
        {
            Assert.Equal(c.Rows[(c.Index[i / c.Dimension] * c.Dimension) + (i % c.Dimension)], samples[i]);
        }
    });

    [Fact]
    public void ScatterAddSumsTheSamplesOfEveryRowInTheirOrder() => Cases.Sample(c =>
    {
        double[] samples = [.. Enumerable.Range(0, c.Index.Length * c.Dimension).Select(i => 1.0 / (i + 1))];
        double[] expected = [.. c.Rows];
        for (int i = 0; i < samples.Length; i++)
        {
            expected[(c.Index[i / c.Dimension] * c.Dimension) + (i % c.Dimension)] += samples[i];
        }

        double[] rows = [.. c.Rows];
        RowKernels.ScatterAdd<double>(samples, c.Index, rows, c.Dimension);

        Assert.Equal(expected, rows);
    });

    private static Gen<(int Dimension, double[] Rows, int[] Index)> Cases =>
        from dimension in Gen.Int[1, 40]
        from count in Gen.Int[1, 20]
        from rows in Gen.Double[-1, 1].Array[count * dimension]
        from index in Gen.Int[0, count - 1].Array[0, 50]
        select (dimension, rows, index);
}
