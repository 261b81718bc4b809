using OpenEmbedding.Trainer.Export;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace OpenEmbedding.Trainer.Models;

/// <summary>Layers x·W + b with relu, then one without bias to a single logit: [B, input] to [B, 1].</summary>
internal sealed class Dnn : nn.Module<Tensor, Tensor>
{
    private readonly List<(Parameter Weight, Parameter Bias)> _layers = [];
    private readonly Parameter _output;

    public Dnn(long input, IReadOnlyList<int> hiddenUnits, SeededWeights weights)
        : base(nameof(Dnn))
    {
        long width = input;
        for (int i = 0; i < hiddenUnits.Count; i++)
        {
            var weight = new Parameter(weights.GlorotNormal($"dnn.{i}.weight", width, hiddenUnits[i]));
            var bias = new Parameter(weights.Zeros(hiddenUnits[i]));
            register_parameter($"{i}.weight", weight);
            register_parameter($"{i}.bias", bias);
            _layers.Add((weight, bias));
            width = hiddenUnits[i];
        }

        _output = new Parameter(weights.GlorotUniform("dnn.output.weight", width, 1));
        register_parameter("output.weight", _output);
    }

    public override Tensor forward(Tensor input)
    {
        Tensor x = input;
        foreach ((Parameter weight, Parameter bias) in _layers)
        {
            x = addmm(bias, x, weight, 1, 1).relu_();
        }

        return x.matmul(_output);
    }

    /// <summary>Says what <see cref="forward"/> computes.</summary>
    public GraphValue Describe(ComputationGraph graph, GraphValue input)
    {
        GraphValue x = input;
        for (int i = 0; i < _layers.Count; i++)
        {
            x = graph.MatrixProduct(x, graph.Weight($"dnn.{i}.weight", _layers[i].Weight));
            x = graph.Relu(graph.Add(x, graph.Weight($"dnn.{i}.bias", _layers[i].Bias)));
        }

        return graph.MatrixProduct(x, graph.Weight("dnn.output.weight", _output));
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _output.Dispose();
            foreach ((Parameter weight, Parameter bias) in _layers)
            {
                weight.Dispose();
                bias.Dispose();
            }
        }

        base.Dispose(disposing);
    }
}
