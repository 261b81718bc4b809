using OpenEmbedding.Trainer.Export;
using static TorchSharp.torch;

namespace OpenEmbedding.Trainer.Models.Parts;

/// <summary>A part of a model that makes the input of its DNN.</summary>
internal abstract class FeatureMap(string name) : nn.Module(name)
{
    /// <summary>w, the numbers that it makes of a sample.</summary>
    public abstract long Width { get; }

    /// <summary>Computes them, [B, w].</summary>
    public abstract Tensor Map(Features features);

    /// <summary>Says what <see cref="Map"/> computes.</summary>
    public abstract GraphValue Describe(ComputationGraph graph, DescribedFeatures features);
}
