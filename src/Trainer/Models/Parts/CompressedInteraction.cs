using OpenEmbedding.Trainer.Export;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace OpenEmbedding.Trainer.Models.Parts;

/// <summary>
/// The compressed interaction network of xDeepFM: products of every column with every map of the layer before, mixed by a 1×1 convolution.
/// Then a layer without bias to a logit.
/// </summary>
/// <remarks>With split half, the first half of a layer's maps feeds the next layer and the second half the output; the last layer gives all.</remarks>
internal sealed class CompressedInteraction : Interaction
{
    private readonly List<(Parameter Weight, Parameter Bias)> _layers = [];
    private readonly Parameter _output;
    private readonly FeatureShape _shape;
    private readonly bool _splitHalf;

    public CompressedInteraction(FeatureShape shape, IReadOnlyList<int> layerSizes, bool splitHalf, SeededWeights weights)
        : base(nameof(CompressedInteraction))
    {
        _shape = shape;
        _splitHalf = splitHalf;
        long previous = shape.Columns;
        long outputs = 0;
        for (int i = 0; i < layerSizes.Count; i++)
        {
            int size = layerSizes[i];
            bool last = i == layerSizes.Count - 1;

            // Channel j·H + k of the convolution's input is the product of column j and map k; its kernel is one column of this matrix.
            var weight = new Parameter(weights.GlorotUniform($"cin.{i}.weight", shape.Columns * previous, size));
            var bias = new Parameter(weights.Zeros(size));
            register_parameter($"{i}.weight", weight);
            register_parameter($"{i}.bias", bias);
            _layers.Add((weight, bias));
            previous = splitHalf && !last ? size / 2 : size;
            outputs += splitHalf && !last ? size - (size / 2) : size;
        }

        _output = new Parameter(weights.GlorotUniform("cin.output.weight", outputs, 1));
        register_parameter("output.weight", _output);
    }

    public override Tensor Logits(Features features)
    {
        Tensor input = features.Embeddings;
        (long batch, long columnCount, long dimension) = (input.shape[0], input.shape[1], input.shape[2]);
        Tensor columns = input.transpose(1, 2).reshape(batch * dimension, columnCount);
        Tensor maps = columns;
        var outputs = new List<Tensor>();
        for (int i = 0; i < _layers.Count; i++)
        {
            (Parameter weight, Parameter bias) = _layers[i];
            Tensor mixed = InteractionLayer.Apply(columns, maps, weight, bias).relu();
            bool last = i == _layers.Count - 1;
            long kept = _splitHalf && !last ? weight.shape[1] / 2 : weight.shape[1];
            Tensor output = _splitHalf && !last ? mixed.narrow(1, kept, weight.shape[1] - kept) : mixed;
            outputs.Add(output.view(batch, dimension, output.shape[1]).sum(1));
            maps = mixed.narrow(1, 0, kept);
        }

        return cat(outputs, 1).matmul(_output);
    }

    /// <summary>Says what <see cref="Logits"/> computes, of all products at once.</summary>
    public override GraphValue Describe(ComputationGraph graph, DescribedFeatures features)
    {
        (long columnCount, long dimension) = (_shape.Columns, _shape.Dimension);
        GraphValue columns = graph.Transpose(features.Embeddings, 0, 2, 1);
        GraphValue factors = graph.Reshape(columns, -1, dimension, columnCount, 1);
        GraphValue maps = columns;
        long mapCount = columnCount;
        var outputs = new List<GraphValue>();
        for (int i = 0; i < _layers.Count; i++)
        {
            (Parameter weight, Parameter bias) = _layers[i];
            GraphValue products = graph.Multiply(factors, graph.Reshape(maps, -1, dimension, 1, mapCount));
            products = graph.Reshape(products, -1, dimension, columnCount * mapCount);
            GraphValue mixed = graph.MatrixProduct(products, graph.Weight($"cin.{i}.weight", weight));
            mixed = graph.Relu(graph.Add(mixed, graph.Weight($"cin.{i}.bias", bias)));
            bool splits = _splitHalf && i < _layers.Count - 1;
            mapCount = splits ? weight.shape[1] / 2 : weight.shape[1];
            outputs.Add(graph.Sum(splits ? graph.Slice(mixed, 2, mapCount, weight.shape[1]) : mixed, axis: 1));
            maps = splits ? graph.Slice(mixed, 2, 0, mapCount) : mixed;
        }

        return graph.MatrixProduct(graph.Concatenate(1, outputs), graph.Weight("cin.output.weight", _output));
    }
}
