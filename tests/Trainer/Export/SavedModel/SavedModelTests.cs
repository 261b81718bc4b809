using System.Text;
using OpenEmbedding.Collectives;
using OpenEmbedding.Trainer.Configuration;
using OpenEmbedding.Trainer.Data;
using OpenEmbedding.Trainer.Export;
using OpenEmbedding.Trainer.Models;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace OpenEmbedding.Trainer.Tests.Export.SavedModel;

/// <summary>A SavedModel computes what the ONNX model of the same graph computes.</summary>
public sealed class SavedModelTests
{
    private const int Columns = 3;
    private const int DenseColumns = 2;
    private const int Dimension = 4;
    private const int Vocabulary = 10;
    private const int Rows = 23;

    [Theory]
    [InlineData(ModelName.LR, false, ElementType.Float32)]
    [InlineData(ModelName.WDL, false, ElementType.Float32)]
    [InlineData(ModelName.DeepFM, false, ElementType.Float32)]
    [InlineData(ModelName.XDeepFM, false, ElementType.Float32)]
    [InlineData(ModelName.LR, true, ElementType.Float32)]
    [InlineData(ModelName.WDL, true, ElementType.Float32)]
    [InlineData(ModelName.DeepFM, true, ElementType.Float32)]
    [InlineData(ModelName.XDeepFM, true, ElementType.Float32)]
    [InlineData(ModelName.DeepFM, true, ElementType.Float64)]
    [InlineData(ModelName.DcnV2, false, ElementType.Float32)]
    [InlineData(ModelName.AutoInt, false, ElementType.Float32)]
    [InlineData(ModelName.FiBiNet, false, ElementType.Float32)]
    [InlineData(ModelName.Dlrm, true, ElementType.Float32)]
    public void Probabilities_are_those_of_onnx(ModelName name, bool hash, ElementType type)
    {
        using DisposeScope scope = NewDisposeScope();
        using var noGradients = no_grad();
        var random = new Random(1);
        ComputationGraph graph = Model(name, hash, type);
        float[] scaled = [.. Enumerable.Range(0, Rows).Select(_ => (float)(random.NextDouble() * 20) - 3)];
        long[] categories = [-1, 0, 1, long.MaxValue, long.MinValue, 7, 17, .. Enumerable.Range(0, Rows - 7).Select(_ => random.NextInt64(0, 12))];
        Array[] columns = [scaled, scaled.Reverse().ToArray(), categories, categories.Reverse().ToArray(), categories.Order().ToArray()];
        using var onnx = new OnnxGraph(graph);
        using var model = new SavedModelGraph(graph);

        double[] actual = model.Run(onnx.Inputs.Zip(columns).ToDictionary(pair => pair.First, pair => pair.Second));

        float[] expected = onnx.Run<float>(columns);
        Assert.Equal(Rows, actual.Length);
        Assert.True(expected.Max() - expected.Min() > 0.05, "the rows do not differ");
        Assert.All(expected.Zip(actual), pair => Assert.Equal(pair.First, pair.Second, 1e-6));
        Assert.Equal(["probability"], model.Signature.Map(2).Keys);
        Assert.Equal("tensorflow/serving/predict", model.Signature.Text(3));
        Assert.Equal(["variables/variables.data-00000-of-00001", "variables/variables.index", "saved_model.pb"], model.Files);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(1000)]
    public void Keys_are_found_and_others_have_the_place_behind_them(int count)
    {
        var random = new Random(count);
        long[] keys = [.. Enumerable.Range(0, count - 1).Select(_ => random.NextInt64()).Append(long.MaxValue).Order()];
        long[] values = [0, .. keys, .. keys.Select(key => key ^ 1), long.MaxValue - 1, 1];
        var graph = new ComputationGraph(ElementType.Float32);
        graph.Output("place", graph.Find(graph.Input("key", ElementType.Int64), keys), ElementType.Int64);

        using var model = new SavedModelGraph(graph);

        Assert.Equal(
            values.Select(value => Array.IndexOf(keys, value)).Select(place => place < 0 ? (double)count : place),
            model.Run(new Dictionary<string, Array> { ["key"] = values }));
    }

    [Fact]
    public void Scaling_is_that_of_onnx()
    {
        var graph = new ComputationGraph(ElementType.Float32);
        GraphValue number = graph.Cast(graph.Input("I1", ElementType.Float32), ElementType.Float64);
        GraphValue logarithm = graph.Logarithm(graph.Add(graph.Absolute(number), graph.Doubles("one", 1)));
        GraphValue clipped = graph.Clip(number, graph.Double("low", -2), graph.Double("high", 3));
        graph.Output("scaled", graph.Add(graph.Multiply(graph.Sign(number), logarithm), clipped), ElementType.Float32);
        float[] numbers = [-1e9f, -3, -1, 0, 0.5f, 3, 1e9f];
        using var onnx = new OnnxGraph(graph);
        using var model = new SavedModelGraph(graph);

        double[] actual = model.Run(new Dictionary<string, Array> { ["I1"] = numbers });

        Assert.Equal(numbers.Length, actual.Length);
        Assert.All(onnx.Run<float>(numbers).Zip(actual), pair => Assert.Equal(pair.First, pair.Second, 1e-6 * Math.Max(1, Math.Abs(pair.First))));
    }

    [Fact]
    public void Variables_have_the_bytes_of_the_arrays_and_columns_any_name()
    {
        var graph = new ComputationGraph(ElementType.Float32);
        GraphValue number = graph.Input("the price, in €", ElementType.Float32);
        GraphValue same = graph.Input("_probability/1", ElementType.Float32);
        float[] large = [.. Enumerable.Range(0, 300_001).Select(i => i * 0.5f)];
        GraphValue rows = graph.Rows(graph.Array(ExportArray.Of<float>("table", [300_001, 1], large)), graph.Cast(number, ElementType.Int64));
        GraphValue sum = graph.Add(graph.Reshape(rows, -1, 1), graph.Multiply(same, graph.Array(ExportArray.Of<float>("factor", [1], [100f]))));
        graph.Output("probability", sum, ElementType.Float32);

        using var model = new SavedModelGraph(graph);

        Assert.Equal(["factor", "table"], model.Variables.Keys.Order());
        Assert.Equal([300_001, 1], model.Variables["table"].Shape);
        Assert.Equal(System.Runtime.InteropServices.MemoryMarshal.AsBytes(large.AsSpan()).ToArray(), model.Variables["table"].Bytes);
        var columns = new Dictionary<string, Array> { ["the price, in €"] = new[] { 300_000f }, ["_probability/1"] = new[] { 1f } };
        Assert.Equal([150_100.0], model.Run(columns));
        Assert.All(model.Nodes.Keys, name => Assert.Matches("^[A-Za-z0-9.][A-Za-z0-9_.\\-/]*$", name));
    }

    [Fact]
    public void Nodes_take_from_nodes_before_them_and_the_saver_names_nodes()
    {
        using DisposeScope scope = NewDisposeScope();
        using var model = new SavedModelGraph(Model(ModelName.XDeepFM, hash: true, ElementType.Float32));
        var seen = new HashSet<string>();
        foreach ((string name, ProtobufFields node) in model.Nodes)
        {
            Assert.All(node.Texts(3), input => Assert.Contains(input.TrimStart('^').Split(':')[0], seen));
            seen.Add(name);
        }

        Assert.Contains(model.Saver.Text(2)[..^2], seen);
        Assert.Contains(model.Saver.Text(3), seen);
        Assert.Equal(2, model.Saver.Number(7));
    }

    // The published checks of CRC-32C: RFC 3720, B.4, and its usual text.
    [Fact]
    public void Checksums_are_those_of_the_standard()
    {
        Assert.Equal(Mask(0xe3069283), VariableFiles.Masked(Encoding.ASCII.GetBytes("123456789")));
        Assert.Equal(Mask(0x8a9136aa), VariableFiles.Masked(new byte[32]));

        static uint Mask(uint checksum) => unchecked(((checksum >> 15) | (checksum << 17)) + 0xa282ead8);
    }

    private static ComputationGraph Model(ModelName name, bool hash, ElementType type)
    {
        // Of its own: the process-wide one is drawn from by the tests that run beside this one.
        using var generator = new Generator(1);
        ScalarType torchType = type == ElementType.Float64 ? ScalarType.Float64 : ScalarType.Float32;
        var options = new ModelOptions { Name = name, DnnHiddenUnits = [8, 3], CinLayerSize = [6, 4, 3], CinSplitHalf = true, Dtype = type, Seed = 1 };
        CtrModel model = CtrModel.Create(options, Columns, Dimension, DenseColumns);
        foreach ((string _, Parameter parameter) in model.named_parameters())
        {
            using var noGradients = no_grad();
            parameter.copy_(rand(parameter.shape, dtype: torchType, generator: generator) - 0.4);
        }

        var graph = new ComputationGraph(type);
        GraphValue[] numbers = [.. Enumerable.Range(1, DenseColumns).Select(column => graph.Input($"I{column}", ElementType.Float32))];
        GraphValue[] ids = [.. Enumerable.Range(1, Columns).Select(column => graph.Input($"C{column}", ElementType.Int64))];
        GraphValue scaled = graph.Multiply(graph.Cast(graph.Concatenate(1, numbers), ElementType.Float64), graph.Doubles("scale", 0.1, 0.2));
        SparseIds rule = hash ? SparseIds.Hash : SparseIds.Modulo;
        GraphValue keys = Keys(rule).Describe(graph, graph.Concatenate(1, ids));
        GraphValue rows = hash ? graph.Find(keys, Known()) : graph.Add(keys, graph.Integers("table.first_rows", 0, Vocabulary, 2 * Vocabulary));
        int tableRows = hash ? Known().Length + 1 : Columns * Vocabulary;
        GraphValue? linear = CtrModel.HasLinear(options) ? graph.Rows(Table("linear", 1), rows) : null;
        GraphValue? embeddings = CtrModel.HasEmbeddings(options) ? graph.Rows(Table("embedding", Dimension), rows) : null;
        graph.Output(ModelGraph.Output, graph.Sigmoid(model.Describe(graph, linear, embeddings, graph.Cast(scaled, type))), ElementType.Float32);
        return graph;

        GraphValue Table(string table, int dimension)
        {
            Tensor weights = rand([tableRows, dimension], dtype: torchType, generator: generator) - 0.5;
            byte[] bytes = weights.bytes.ToArray();
            return graph.Array(new ExportArray($"table.{table}", type, weights.shape, stream => stream.Write(bytes)));
        }
    }

    private static SparseKeys Keys(SparseIds rule) => new([.. Enumerable.Range(1, Columns).Select(column => $"C{column}")], rule, new Vocabulary(Vocabulary));

    // Half of the categories below 12 of each column.
    private static long[] Known()
    {
        long[] values = [.. Enumerable.Range(0, 6).SelectMany(value => Enumerable.Repeat(2L * value, Columns))];
        Keys(SparseIds.Hash).Map(values);
        return [.. values.Order()];
    }
}
