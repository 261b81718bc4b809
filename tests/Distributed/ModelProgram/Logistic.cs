using TorchSharp.Modules;
using static TorchSharp.torch;

namespace OpenEmbedding.Trainer.TestProgram;

/// <summary>Logistic regression whose table and parameters have the names of oe-train's.</summary>
internal sealed class Logistic : nn.Module<Tensor, Tensor, Tensor>
{
    private readonly Embedding _linear;
    private readonly Parameter _linearDense;
    private readonly Parameter _bias;

    public Logistic(long vocabulary, long denseColumns)
        : base(nameof(Logistic))
    {
        _linear = nn.Embedding(vocabulary, 1, device: META);
        _linearDense = new Parameter(zeros(denseColumns, 1));
        _bias = new Parameter(zeros(1));
        register_module("linear", _linear);
        register_parameter("linear.dense", _linearDense);
        register_parameter("bias", _bias);
    }

    public override Tensor forward(Tensor ids, Tensor dense) =>
        _linear.forward(ids).sum(1).squeeze(-1) + dense.matmul(_linearDense).squeeze(-1) + _bias;
}
