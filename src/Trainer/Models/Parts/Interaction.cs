using OpenEmbedding.Trainer.Export;
using static TorchSharp.torch;

namespace OpenEmbedding.Trainer.Models.Parts;

/// <summary>A part of a model that has logits of its own, beside those of the linear part and of the DNN.</summary>
internal abstract class Interaction(string name) : nn.Module(name)
{
    /// <summary>Computes the logits, [B, 1].</summary>
    public abstract Tensor Logits(Features features);

    /// <summary>Says what <see cref="Logits"/> computes.</summary>
    public abstract GraphValue Describe(ComputationGraph graph, DescribedFeatures features);
}
