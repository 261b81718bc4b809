using OpenEmbedding.Collectives;
using OpenEmbedding.Trainer.Configuration;
using OpenEmbedding.Trainer.Export;
using OpenEmbedding.Trainer.Models;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace OpenEmbedding.Trainer.Tests.Export;

/// <summary>The graph of a model computes what its forward pass computes.</summary>
public sealed class ModelGraphTests
{
    private const int Columns = 5;
    private const int Dimension = 4;
    private const int TableRows = 20;

    private static readonly int[] _dimensions = [2, Dimension, 1, 2, Dimension];

    [Theory]
    [InlineData(ModelName.LR, ElementType.Float32, 2, true)]
    [InlineData(ModelName.LR, ElementType.Float64, 0, true)]
    [InlineData(ModelName.WDL, ElementType.Float32, 2, true)]
    [InlineData(ModelName.WDL, ElementType.Float64, 0, true)]
    [InlineData(ModelName.DeepFM, ElementType.Float32, 2, true)]
    [InlineData(ModelName.DeepFM, ElementType.Float64, 2, true)]
    [InlineData(ModelName.XDeepFM, ElementType.Float32, 2, true)]
    [InlineData(ModelName.XDeepFM, ElementType.Float64, 2, false)]
    [InlineData(ModelName.DcnV2, ElementType.Float32, 2, true)]
    [InlineData(ModelName.DcnV2, ElementType.Float64, 0, false)]
    [InlineData(ModelName.AutoInt, ElementType.Float32, 2, true)]
    [InlineData(ModelName.AutoInt, ElementType.Float64, 0, true)]
    [InlineData(ModelName.FiBiNet, ElementType.Float32, 2, true)]
    [InlineData(ModelName.FiBiNet, ElementType.Float32, 2, true, BilinearKind.Each)]
    [InlineData(ModelName.FiBiNet, ElementType.Float64, 0, true, BilinearKind.All)]
    [InlineData(ModelName.WDL, ElementType.Float32, 2, true, BilinearKind.Interaction, true)]
    [InlineData(ModelName.Dlrm, ElementType.Float32, 2, true)]
    [InlineData(ModelName.Dlrm, ElementType.Float64, 0, true)]
    public void Logits_are_those_of_the_forward_pass(ModelName name, ElementType type, int denseColumns, bool splitHalf, BilinearKind bilinear = BilinearKind.Interaction, bool narrows = false)
    {
        using DisposeScope scope = NewDisposeScope();
        using var noGradients = no_grad();
        ScalarType torchType = type == ElementType.Float64 ? ScalarType.Float64 : ScalarType.Float32;
        var options = new ModelOptions
        {
            Name = name,
            DnnHiddenUnits = [8, 3],
            CinLayerSize = [6, 4, 3],
            CinSplitHalf = splitHalf,
            CrossRank = splitHalf ? null : 2,
            AttentionSize = 3,
            Bilinear = bilinear,
            BottomHiddenUnits = [5],
            Dtype = type,
            Seed = 1,
        };
        CtrModel model = CtrModel.Create(options, Columns, Dimension, denseColumns, narrows ? _dimensions : null);
        foreach ((string _, Parameter parameter) in model.named_parameters())
        {
            parameter.copy_(rand_like(parameter) - 0.4);
        }

        Tensor linear = rand(TableRows, 1, dtype: torchType) - 0.5;
        Tensor embeddings = rand(TableRows, Dimension, dtype: torchType) - 0.5;
        Tensor keys = randint(0, TableRows, [7, Columns], dtype: ScalarType.Int64);
        Tensor dense = rand(7, denseColumns, dtype: ScalarType.Float32);
        float[] expected = model.forward(CtrModel.HasLinear(options) ? linear[keys].squeeze(-1) : null, embeddings[keys], dense.to_type(torchType)).to_type(ScalarType.Float32).data<float>().ToArray();

        var graph = new ComputationGraph(type);
        GraphValue[] numbers = [.. Enumerable.Range(0, denseColumns).Select(column => graph.Input($"I{column}", ElementType.Float32))];
        GraphValue[] ids = [.. Enumerable.Range(0, Columns).Select(column => graph.Input($"C{column}", ElementType.Int64))];
        GraphValue rows = graph.Concatenate(1, ids);
        GraphValue? weights = CtrModel.HasLinear(options) ? graph.Rows(Table("linear", linear), rows) : null;
        GraphValue? embedded = CtrModel.HasEmbeddings(options) ? graph.Rows(Table("embedding", embeddings), rows) : null;
        GraphValue? scaled = denseColumns > 0 ? graph.Cast(graph.Concatenate(1, numbers), type) : null;
        graph.Output("logit", model.Describe(graph, weights, embedded, scaled), ElementType.Float32);

        using var onnx = new OnnxGraph(graph);
        float[] actual = onnx.Run<float>(
        [
            .. Enumerable.Range(0, denseColumns).Select(column => (Array)dense[.., column].contiguous().data<float>().ToArray()),
            .. Enumerable.Range(0, Columns).Select(column => (Array)keys[.., column].contiguous().data<long>().ToArray()),
        ]);
        Assert.Equal(7, actual.Length);
        Assert.All(expected.Zip(actual), pair => Assert.Equal(pair.First, pair.Second, 2e-6 * Math.Max(1, Math.Abs(pair.First))));

        GraphValue Table(string table, Tensor weights) =>
            graph.Array(new ExportArray(table, type, weights.shape, stream => stream.Write(weights.bytes)));
    }
}
