using OpenEmbedding.Trainer.Export;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace OpenEmbedding.Trainer.Models.Parts;

/// <summary>Hidden layers, then one without bias to a single logit: [B, input] to [B, 1].</summary>
internal sealed class Dnn : HiddenLayers
{
    private readonly Parameter _output;

    public Dnn(long input, IReadOnlyList<int> hiddenUnits, bool mixedPrecision, SeededWeights weights)
        : base("dnn", input, hiddenUnits, mixedPrecision, weights)
    {
        _output = new Parameter(weights.GlorotUniform("dnn.output.weight", Width, 1));
        register_parameter("output.weight", _output);
    }

    public override Tensor forward(Tensor input) => base.forward(input).matmul(_output);

    public override GraphValue Describe(ComputationGraph graph, GraphValue input) =>
        graph.MatrixProduct(base.Describe(graph, input), graph.Weight("dnn.output.weight", _output));
}
