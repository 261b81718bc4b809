using System.ComponentModel.DataAnnotations;
using OpenEmbedding.Collectives;

namespace OpenEmbedding.Trainer.Configuration;

/// <summary>The model and its dense part.</summary>
public sealed record ModelOptions
{
    /// <summary>The model.</summary>
    public ModelName Name { get; init; } = ModelName.DeepFM;

    /// <summary>Units of each hidden layer of the deep part; without meaning for <c>LR</c>.</summary>
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

    /// <summary>The element type of all weights.</summary>
    [AllowedValues(ElementType.Float32, ElementType.Float64)]
    public ElementType Dtype { get; init; } = ElementType.Float32;

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
}
