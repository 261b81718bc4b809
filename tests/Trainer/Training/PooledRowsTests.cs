using OpenEmbedding.Trainer.Configuration;
using OpenEmbedding.Trainer.Data;
using OpenEmbedding.Trainer.Export;
using OpenEmbedding.Trainer.Tests.Export;
using OpenEmbedding.Trainer.Training;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace OpenEmbedding.Trainer.Tests.Training;

/// <summary>Rows of multi-hot fields are combined as torch's own embedding bags combine them.</summary>
public sealed class PooledRowsTests
{
    private const int Samples = 40;
    private const int Rows = 12;

    [Theory]
    [InlineData(Combiner.Sum, 1)]
    [InlineData(Combiner.Mean, 1)]
    [InlineData(Combiner.Sqrtn, 1)]
    [InlineData(Combiner.Sum, 9)]
    [InlineData(Combiner.Mean, 9)]
    [InlineData(Combiner.Sqrtn, 9)]
    public void Rows_and_gradients_are_those_of_embedding_bags(Combiner combiner, int dimension)
    {
        using DisposeScope scope = NewDisposeScope();
        SparseSlots slots = Slots(combiner);
        int[] index = Index(slots, seed: dimension);
        using Generator generator = new(7);
        Tensor rows = randn([Rows, dimension], generator: generator, dtype: ScalarType.Float64);
        Tensor gradient = randn([Samples, slots.Columns, dimension], generator: generator, dtype: ScalarType.Float64);
        using EmbeddingBag bag = nn.EmbeddingBag_from_pretrained(rows.clone(), freeze: false, mode: combiner == Combiner.Mean ? EmbeddingBagMode.Mean : EmbeddingBagMode.Sum);
        Tensor expected = Bags(bag, index, slots);
        expected.backward([gradient]);
        Tensor expectedGradient = bag.weight!.grad!;

        double[] pooled = new double[Samples * slots.Columns * dimension];
        PooledRows.Gather<double>(rows.data<double>().ToArray(), index, pooled, dimension, slots);
        double[] gradients = new double[Rows * dimension];
        PooledRows.ScatterAdd<double>(gradient.data<double>().ToArray(), index, gradients, dimension, slots);

        AssertNear(expected.data<double>().ToArray(), pooled);
        AssertNear(expectedGradient.data<double>().ToArray(), gradients);

        Tensor copy = rows.clone().requires_grad_(true);
        Tensor places = tensor(index).reshape(Samples, slots.Count);
        Tensor inTorch = SlotPooling.Pool(copy[places.clamp_min(0).to_type(ScalarType.Int64)], places, slots);
        inTorch.backward([gradient]);
        AssertNear(expected.data<double>().ToArray(), inTorch.data<double>().ToArray());
        AssertNear(expectedGradient.data<double>().ToArray(), copy.grad!.data<double>().ToArray());
    }

    [Theory]
    [InlineData(Combiner.Sum)]
    [InlineData(Combiner.Mean)]
    [InlineData(Combiner.Sqrtn)]
    public void The_graph_combines_the_same(Combiner combiner)
    {
        const int Dimension = 3;
        SparseSlots slots = Slots(combiner);
        int[] index = Index(slots, seed: 5);
        var random = new Random(2);
        float[] table = [.. Enumerable.Range(0, Rows * Dimension).Select(_ => random.NextSingle() - 0.5f)];
        var graph = new ComputationGraph(Collectives.ElementType.Float32);
        GraphValue[] columns = [.. Enumerable.Range(0, slots.Count).Select(slot => graph.Input($"slot{slot}", Collectives.ElementType.Int64))];
        GraphValue values = graph.Concatenate(1, columns);
        GraphValue rows = graph.Rows(graph.Array(ExportArray.Of<float>("table", [Rows, Dimension], table)), graph.Remainder(values, graph.Integers("rows", Rows)));
        graph.Output("pooled", PooledRows.Describe(graph, rows, values, Dimension, slots), Collectives.ElementType.Float32, [slots.Columns, Dimension]);

        using var onnx = new OnnxGraph(graph);
        float[] actual = onnx.Run<float>([.. Enumerable.Range(0, slots.Count).Select(slot => Enumerable.Range(0, Samples).Select(i => (long)index[(i * slots.Count) + slot]).ToArray())]);

        float[] expected = new float[Samples * slots.Columns * Dimension];
        PooledRows.Gather<float>(table, index, expected, Dimension, slots);
        Assert.Equal(expected.Length, actual.Length);
        Assert.All(expected.Zip(actual), pair => Assert.Equal(pair.First, pair.Second, 1e-6f));
    }

    private static SparseSlots Slots(Combiner combiner) =>
        new(["a", new SparseColumn { Name = "b", MaxLength = 4, Combiner = combiner }, new SparseColumn { Name = "c", MaxLength = 2, Combiner = combiner }]);

    // Any number of rows in a field, the same row twice too.
    private static int[] Index(SparseSlots slots, int seed)
    {
        var random = new Random(seed);
        int[] index = new int[Samples * slots.Count];
        Array.Fill(index, -1);
        for (int sample = 0; sample < Samples; sample++)
        {
            for (int column = 0; column < slots.Columns; column++)
            {
                int used = slots.WidthOf(column) == 1 ? 1 : random.Next(slots.WidthOf(column) + 1);
                for (int i = 0; i < used; i++)
                {
                    index[(sample * slots.Count) + slots.FirstOf(column) + i] = random.Next(Rows);
                }
            }
        }

        return index;
    }

    private static Tensor Bags(EmbeddingBag bag, int[] index, SparseSlots slots)
    {
        var fields = new List<Tensor>();
        for (int sample = 0; sample < Samples; sample++)
        {
            for (int column = 0; column < slots.Columns; column++)
            {
                int first = (sample * slots.Count) + slots.FirstOf(column);
                long[] used = [.. index[first..(first + slots.WidthOf(column))].Where(row => row >= 0).Select(row => (long)row)];
                Tensor field = bag.call(tensor(used, ScalarType.Int64), tensor(new long[] { 0 }));
                fields.Add(slots.CombinerOf(column) == Combiner.Sqrtn && used.Length > 0 ? field / Math.Sqrt(used.Length) : field);
            }
        }

        return cat(fields).reshape(Samples, slots.Columns, -1);
    }

    private static void AssertNear(double[] expected, double[] actual)
    {
        Assert.Equal(expected.Length, actual.Length);
        Assert.All(expected.Zip(actual), pair => Assert.Equal(pair.First, pair.Second, 1e-12));
    }
}
