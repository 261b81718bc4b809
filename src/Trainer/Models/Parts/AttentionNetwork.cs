using OpenEmbedding.Trainer.Export;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace OpenEmbedding.Trainer.Models.Parts;

/// <summary>
/// The interacting layers of AutoInt: multi-head self-attention over the columns with a residual, then a layer without bias to a logit. A dense
/// column takes part as its value times a vector of its own.
/// </summary>
/// <remarks>
/// M = F + n columns, H heads of size a. Of each head h: softmax(Q·Kᵀ)·V, not scaled; a layer's output is relu(heads + e·R), [B, M, H · a].
/// Source: Song et al., AutoInt, 2019, equations 4 to 9.
/// </remarks>
internal sealed class AttentionNetwork : Interaction
{
    private readonly FeatureShape _shape;
    private readonly int _heads;
    private readonly int _size;
    private readonly Parameter? _dense;
    private readonly List<Layer> _layers = [];
    private readonly Parameter _output;

    public AttentionNetwork(FeatureShape shape, int layers, int heads, int size, SeededWeights weights)
        : base(nameof(AttentionNetwork))
    {
        _shape = shape;
        _heads = heads;
        _size = size;
        if (shape.DenseColumns > 0)
        {
            _dense = Register("dense", shape.DenseColumns, shape.Dimension);
        }

        int all = heads * size;
        for (int i = 0; i < layers; i++)
        {
            int input = i == 0 ? shape.Dimension : all;
            _layers.Add(new Layer(
                Register($"{i}.query", input, all),
                Register($"{i}.key", input, all),
                Register($"{i}.value", input, all),
                Register($"{i}.residual", input, all)));
        }

        _output = Register("output.weight", Fields * all, 1);

        Parameter Register(string name, long fanIn, long fanOut)
        {
            var parameter = new Parameter(weights.GlorotUniform($"attention.{name}", fanIn, fanOut));
            register_parameter(name, parameter);
            return parameter;
        }
    }

    private long Fields => _shape.Columns + _shape.DenseColumns;

    public override Tensor Logits(Features features)
    {
        Tensor e = features.Embeddings;
        if (_dense is not null)
        {
            e = cat([e, features.Dense.unsqueeze(2) * _dense], 1);
        }

        foreach (Layer layer in _layers)
        {
            Tensor weights = nn.functional.softmax(Heads(e, layer.Query).matmul(Heads(e, layer.Key).transpose(2, 3)), 3);
            Tensor attended = weights.matmul(Heads(e, layer.Value)).transpose(1, 2).flatten(2);
            e = (attended + e.matmul(layer.Residual)).relu();
        }

        return e.flatten(1).matmul(_output);
    }

    public override GraphValue Describe(ComputationGraph graph, DescribedFeatures features)
    {
        GraphValue e = features.Embeddings;
        if (_dense is not null)
        {
            GraphValue dense = graph.Reshape(features.Dense!.Value, -1, _shape.DenseColumns, 1);
            e = graph.Concatenate(1, [e, graph.Multiply(dense, graph.Weight("attention.dense", _dense))]);
        }

        for (int i = 0; i < _layers.Count; i++)
        {
            Layer layer = _layers[i];
            GraphValue query = Heads(layer.Query, "query", 0, 2, 1, 3);
            GraphValue key = Heads(layer.Key, "key", 0, 2, 3, 1);
            GraphValue attended = graph.MatrixProduct(graph.Softmax(graph.MatrixProduct(query, key)), Heads(layer.Value, "value", 0, 2, 1, 3));
            attended = graph.Reshape(graph.Transpose(attended, 0, 2, 1, 3), -1, Fields, _heads * _size);
            e = graph.Relu(graph.Add(attended, graph.MatrixProduct(e, graph.Weight($"attention.{i}.residual", layer.Residual))));

            GraphValue Heads(Parameter weight, string name, params IReadOnlyList<long> order) => graph.Transpose(
                graph.Reshape(graph.MatrixProduct(e, graph.Weight($"attention.{i}.{name}", weight)), -1, Fields, _heads, _size), order);
        }

        return graph.MatrixProduct(graph.Reshape(e, -1, Fields * _heads * _size), graph.Weight("attention.output.weight", _output));
    }

    /// <summary>[B, M, input] to [B, H, M, a].</summary>
    private Tensor Heads(Tensor e, Parameter weight) => e.matmul(weight).view(-1, Fields, _heads, _size).transpose(1, 2);

    private sealed record Layer(Parameter Query, Parameter Key, Parameter Value, Parameter Residual);
}
