using OpenEmbedding.Collectives;
using OpenEmbedding.Trainer.Configuration;
using OpenEmbedding.Trainer.Data;
using OpenEmbedding.Trainer.Export;
using OpenEmbedding.Trainer.Tests.Data;

namespace OpenEmbedding.Trainer.Tests.Export;

/// <summary>The graph makes of columns what the trainer makes of them.</summary>
public sealed class FeatureGraphTests
{
    private const int Columns = 3;

    [Theory]
    [InlineData(SparseIds.Modulo, 65536L)]
    [InlineData(SparseIds.Modulo, 1000L)]
    [InlineData(SparseIds.Modulo, 1L)]
    [InlineData(SparseIds.Modulo, 7L, 4096L, 4000000000L)]
    [InlineData(SparseIds.Hash, 1L)]
    public void Keys_are_those_of_the_trainer(SparseIds rule, params long[] vocabulary)
    {
        Vocabulary sizes = vocabulary.Length == 1 ? new Vocabulary(vocabulary[0]) : new Vocabulary([.. vocabulary]);
        long[] odd = [long.MinValue, long.MinValue + 1, -65536, -1000, -1, 0, 1, 999, 1000, 65535, 65536, uint.MaxValue, long.MaxValue - 1, long.MaxValue];
        var random = new Random(1);
        long[] values = [.. odd, .. Enumerable.Range(0, 500).Select(_ => random.NextInt64(long.MinValue, long.MaxValue))];
        var graph = new ComputationGraph(ElementType.Float32);
        GraphValue[] inputs = [.. Enumerable.Range(1, Columns).Select(column => graph.Input($"C{column}", ElementType.Int64))];
        var rules = new SparseKeys([.. Enumerable.Range(1, Columns).Select(column => $"C{column}")], rule, sizes);
        GraphValue keys = rules.Describe(graph, graph.Concatenate(1, inputs));
        for (int column = 0; column < Columns; column++)
        {
            graph.Output("key", graph.Slice(keys, 1, column, column + 1), ElementType.Int64);
        }

        using var onnx = new OnnxGraph(graph);
        long[] actual = onnx.Run<long>(values, values, values);

        for (int row = 0; row < values.Length; row++)
        {
            long[] expected = [values[row], values[row], values[row]];
            rules.Map(expected);
            long[] keysOfRow = [actual[row], actual[row + values.Length], actual[row + (2 * values.Length)]];
            Assert.Equal(expected, keysOfRow);
        }
    }

    [Theory]
    [InlineData(DenseScaling.MinMax, 0)]
    [InlineData(DenseScaling.Criteo1Tb, 0)]
    [InlineData(DenseScaling.None, 0)]
    [InlineData(DenseScaling.Log, 1e-7)]
    public void Dense_values_are_those_of_the_trainer(DenseScaling scaling, double tolerance)
    {
        using var folder = new TemporaryFolder();
        string path = Path.Combine(folder.Path, "rows.txt");
        new CriteoGenerator(seed: 3).WriteFile(path, 200);
        DataOptions options = RowText.Raw(path) with { DenseScale = scaling };
        int columns = options.Dense.Count;
        DenseScale scale = DenseScale.Create(options);
        var random = new Random(1);
        float[] values = [-3, -1, 0, 1, 0.5f, 4095, 4096, 1e9f, -1e9f, .. Enumerable.Range(0, 200).Select(_ => (float)(random.NextDouble() * 300) - 50)];
        var graph = new ComputationGraph(ElementType.Float32);
        GraphValue[] inputs = [.. options.Dense.Select(column => graph.Input(column, ElementType.Float32))];
        GraphValue scaled = scale.Describe(graph, graph.Concatenate(1, inputs));
        for (int column = 0; column < columns; column++)
        {
            graph.Output("scaled", graph.Slice(scaled, 1, column, column + 1), ElementType.Float32);
        }

        using var onnx = new OnnxGraph(graph);
        float[] actual = onnx.Run<float>([.. Enumerable.Repeat(values, columns)]);

        for (int row = 0; row < values.Length; row++)
        {
            float[] expected = [.. Enumerable.Repeat(values[row], columns)];
            scale.Apply(expected);
            for (int column = 0; column < columns; column++)
            {
                Assert.Equal(expected[column], actual[row + (column * values.Length)], tolerance * Math.Abs(expected[column]));
            }
        }
    }
}
