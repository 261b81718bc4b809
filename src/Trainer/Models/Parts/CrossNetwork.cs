using OpenEmbedding.Trainer.Export;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace OpenEmbedding.Trainer.Models.Parts;

/// <summary>
/// The cross network of DCN-v2 over x₀ = embeddings and dense columns: x_{l+1} = x₀ ⊙ (x_l·W_l + b_l) + x_l, then a layer without bias to a logit.
/// </summary>
/// <remarks>With a rank r, W_l is the product of a [w, r] and an [r, w] matrix. Source: Wang et al., DCN V2, 2021, equations 1 and 2.</remarks>
internal sealed class CrossNetwork : Interaction
{
    private readonly List<Layer> _layers = [];
    private readonly Parameter _output;

    public CrossNetwork(long width, int layers, int? rank, SeededWeights weights)
        : base(nameof(CrossNetwork))
    {
        for (int i = 0; i < layers; i++)
        {
            Parameter? narrow = rank is { } r ? Register($"{i}.narrow", weights.GlorotNormal($"cross.{i}.narrow", width, r)) : null;
            Parameter weight = Register($"{i}.weight", weights.GlorotNormal($"cross.{i}.weight", rank ?? width, width));
            _layers.Add(new Layer(narrow, weight, Register($"{i}.bias", weights.Zeros(width))));
        }

        _output = Register("output.weight", weights.GlorotUniform("cross.output.weight", width, 1));
    }

    public override Tensor Logits(Features features)
    {
        Tensor first = features.Flat;
        Tensor x = first;
        foreach (Layer layer in _layers)
        {
            Tensor inner = layer.Narrow is { } narrow ? x.matmul(narrow) : x;
            x = addcmul(x, first, addmm(layer.Bias, inner, layer.Weight, 1, 1), 1);
        }

        return x.matmul(_output);
    }

    public override GraphValue Describe(ComputationGraph graph, DescribedFeatures features)
    {
        GraphValue first = features.Flat;
        GraphValue x = first;
        for (int i = 0; i < _layers.Count; i++)
        {
            Layer layer = _layers[i];
            GraphValue inner = layer.Narrow is { } narrow ? graph.MatrixProduct(x, graph.Weight($"cross.{i}.narrow", narrow)) : x;
            GraphValue mixed = graph.MatrixProduct(inner, graph.Weight($"cross.{i}.weight", layer.Weight));
            mixed = graph.Add(mixed, graph.Weight($"cross.{i}.bias", layer.Bias));
            x = graph.Add(graph.Multiply(first, mixed), x);
        }

        return graph.MatrixProduct(x, graph.Weight("cross.output.weight", _output));
    }

    private Parameter Register(string name, Tensor values)
    {
        var parameter = new Parameter(values);
        register_parameter(name, parameter);
        return parameter;
    }

    private sealed record Layer(Parameter? Narrow, Parameter Weight, Parameter Bias);
}
