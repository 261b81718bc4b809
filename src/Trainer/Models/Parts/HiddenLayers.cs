using OpenEmbedding.Trainer.Export;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace OpenEmbedding.Trainer.Models.Parts;

/// <summary>Layers relu(x·W + b): [B, input] to [B, units of the last layer]. In mixed precision they are computed in bfloat16; the weights are not.</summary>
internal class HiddenLayers : nn.Module<Tensor, Tensor>
{
    private readonly string _name;
    private readonly bool _mixed;
    private readonly List<(Parameter Weight, Parameter Bias)> _layers = [];

    public HiddenLayers(string name, long input, IReadOnlyList<int> units, bool mixedPrecision, SeededWeights weights)
        : base(name)
    {
        _name = name;
        _mixed = mixedPrecision;
        Width = input;
        for (int i = 0; i < units.Count; i++)
        {
            var weight = new Parameter(weights.GlorotNormal($"{name}.{i}.weight", Width, units[i]));
            var bias = new Parameter(weights.Zeros(units[i]));
            register_parameter($"{i}.weight", weight);
            register_parameter($"{i}.bias", bias);
            _layers.Add((weight, bias));
            Width = units[i];
        }
    }

    /// <summary>Units of the last layer.</summary>
    protected long Width { get; }

    public override Tensor forward(Tensor input)
    {
        if (_mixed)
        {
            return Mixed(input);
        }

        Tensor x = input;
        foreach ((Parameter weight, Parameter bias) in _layers)
        {
            x = addmm(bias, x, weight, 1, 1).relu_();
        }

        return x;
    }

    /// <summary>Says what <see cref="forward"/> computes.</summary>
    public virtual GraphValue Describe(ComputationGraph graph, GraphValue input)
    {
        GraphValue x = input;
        for (int i = 0; i < _layers.Count; i++)
        {
            x = graph.MatrixProduct(x, graph.Weight($"{_name}.{i}.weight", _layers[i].Weight));
            x = graph.Relu(graph.Add(x, graph.Weight($"{_name}.{i}.bias", _layers[i].Bias)));
        }

        return x;
    }

    private Tensor Mixed(Tensor input)
    {
        Tensor x = input.to_type(ScalarType.BFloat16);
        foreach ((Parameter weight, Parameter bias) in _layers)
        {
            x = addmm(bias.to_type(ScalarType.BFloat16), x, weight.to_type(ScalarType.BFloat16), 1, 1).relu_();
        }

        return x.to_type(input.dtype);
    }
}
