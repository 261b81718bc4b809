using System.ComponentModel.DataAnnotations;
using OpenEmbedding.Collectives;

namespace OpenEmbedding.Trainer.Configuration;

/// <summary>The model and its dense part.</summary>
public sealed record ModelOptions
{
    /// <summary>The model.</summary>
    public ModelName Name { get; init; } = ModelName.DeepFM;

    /// <summary>Units of each hidden layer of the deep part, in <c>DLRM</c> the top layers; without meaning for <c>LR</c>.</summary>
    [MinLength(1)]
    [Range(1, 1048576)]
    public IReadOnlyList<int> DnnHiddenUnits { get; init; } = [256, 128, 64];

    /// <summary>Feature maps of each layer of the compressed interaction network; only <c>xDeepFM</c> has one.</summary>
    [MinLength(1)]
    [Range(1, 65536)]
    public IReadOnlyList<int> CinLayerSize { get; init; } = [128, 128];

    /// <summary>
    /// Feeds half of the feature maps of an interaction layer to the next and the other half to the output; all sizes but the last must be even.
    /// </summary>
    public bool CinSplitHalf { get; init; } = true;

    /// <summary>Layers of the cross network; only <c>DCN-v2</c> has one.</summary>
    [Range(1, 1024)]
    public int CrossLayers { get; init; } = 2;

    /// <summary>The rank of the cross network's matrices, each then the product of a tall and a wide one; left out, they are full.</summary>
    [Range(1, 1048576)]
    public int? CrossRank { get; init; }

    /// <summary>Layers of self-attention; only <c>AutoInt</c> has any.</summary>
    [Range(1, 1024)]
    public int AttentionLayers { get; init; } = 3;

    /// <summary>Heads of a layer of self-attention.</summary>
    [Range(1, 1024)]
    public int AttentionHeads { get; init; } = 2;

    /// <summary>Numbers that a head of self-attention makes of a column.</summary>
    [Range(1, 4096)]
    public int AttentionSize { get; init; } = 8;

    /// <summary>Which pairs of columns share a matrix of the bilinear interaction; only <c>FiBiNET</c> has one.</summary>
    public BilinearKind Bilinear { get; init; } = BilinearKind.Interaction;

    /// <summary>By what the squeeze-and-excitation network of <c>FiBiNET</c> divides the number of columns in its middle, which has one at least.</summary>
    [Range(1, 65536)]
    public int SenetReduction { get; init; } = 3;

    /// <summary>Units of each hidden layer for the dense columns of <c>DLRM</c>; one as wide as an embedding follows.</summary>
    [MinLength(1)]
    [Range(1, 1048576)]
    public IReadOnlyList<int> BottomHiddenUnits { get; init; } = [512, 256, 64];

    /// <summary>
    /// L2 regularization of the linear part: adds 2 · l2 · w to the gradient; left out, 0 for <c>LR</c> and 1e-5 for the others.
    /// </summary>
    [Range(0, double.PositiveInfinity)]
    public double? L2Linear { get; init; }

    /// <summary>
    /// L2 regularization of the embeddings: adds 2 · l2 · w to the gradient of a touched row; left out, 0 for <c>LR</c> and 1e-5 for the others.
    /// </summary>
    [Range(0, double.PositiveInfinity)]
    public double? L2Embedding { get; init; }

    /// <summary>
    /// L1 activity regularization: adds activity_l1 · |e| of every embedding e that a row looks up to the loss of the row, as Keras' activity_regularizer.
    /// </summary>
    [Range(0, double.PositiveInfinity)]
    public double ActivityL1 { get; init; }

    /// <summary>L2 activity regularization: adds activity_l2 · e² of every embedding e that a row looks up to the loss of the row.</summary>
    [Range(0, double.PositiveInfinity)]
    public double ActivityL2 { get; init; }

    /// <summary>The element type of all weights.</summary>
    [AllowedValues(ElementType.Float32, ElementType.Float64)]
    public ElementType Dtype { get; init; } = ElementType.Float32;

    /// <summary>
    /// Whether the hidden layers are computed in bfloat16, which GPUs do several times as fast; weights, gradients and sums keep <c>model.dtype</c>, float32.
    /// </summary>
    public bool MixedPrecision { get; init; }

    /// <summary>The seed of all initial weights; the same seed gives the same weights on any number of ranks.</summary>
    [Range(typeof(long), "0", "9223372036854775807")]
    public long Seed { get; init; } = 1024;
}

/// <summary>The models that can be trained by name.</summary>
public enum ModelName
{
    /// <summary>Logistic regression.</summary>
    [Named("LR")]
    LR,

    /// <summary>Wide and deep.</summary>
    [Named("WDL")]
    WDL,

    /// <summary>A factorization machine beside a deep part.</summary>
    [Named("DeepFM")]
    DeepFM,

    /// <summary>A compressed interaction network beside a deep part.</summary>
    [Named("xDeepFM")]
    XDeepFM,

    /// <summary>A cross network beside a deep part.</summary>
    [Named("DCN-v2")]
    DcnV2,

    /// <summary>Self-attention over the columns beside a deep part.</summary>
    [Named("AutoInt")]
    AutoInt,

    /// <summary>A deep part over bilinear interactions of columns that a squeeze-and-excitation network weights.</summary>
    [Named("FiBiNET")]
    FiBiNet,

    /// <summary>A deep part over dot products of the columns, without a linear part.</summary>
    [Named("DLRM")]
    Dlrm,
}

/// <summary>Which pairs of columns share a matrix of a bilinear interaction.</summary>
public enum BilinearKind
{
    /// <summary>One matrix for all pairs.</summary>
    All,

    /// <summary>One for all pairs with the same first column.</summary>
    Each,

    /// <summary>One for each pair.</summary>
    Interaction,
}
