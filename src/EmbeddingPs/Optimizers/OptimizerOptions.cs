using System.Text.Json.Serialization;
using MessagePack;
using RangeAttribute = System.ComponentModel.DataAnnotations.RangeAttribute;

namespace OpenEmbedding.EmbeddingPs.Optimizers;

/// <summary>An update rule with its parameters; the defaults are those of Keras 2.</summary>
/// <remarks>Formulas: <c>docs/optimizers.md</c>. Element-wise over a row; rows without a gradient do not move.</remarks>
[MessagePackObject]
[Union(0, typeof(SgdOptions))]
[Union(1, typeof(AdagradOptions))]
[Union(2, typeof(AdadeltaOptions))]
[Union(3, typeof(AdamOptions))]
[Union(4, typeof(AdamaxOptions))]
[Union(5, typeof(NadamOptions))]
[Union(6, typeof(RmspropOptions))]
[Union(7, typeof(FtrlOptions))]
public abstract record OptimizerOptions
{
    /// <summary>The step size, above 0.</summary>
    [Range(0.0, double.PositiveInfinity, MinimumIsExclusive = true)]
    [Key(0)]
    public double LearningRate { get; init; } = 0.001;

    /// <summary>The rule's name in messages and files.</summary>
    public string RuleName() => GetType().Name.Replace("Options", "", StringComparison.Ordinal);
}

/// <summary>Gradient descent with optional (Nesterov) momentum.</summary>
[MessagePackObject]
public sealed record SgdOptions : OptimizerOptions
{
    /// <summary>Makes the rule with Keras' learning rate of 0.01.</summary>
    public SgdOptions()
    {
        LearningRate = 0.01;
    }

    /// <summary>The share of the last step that is kept, in [0, 1); 0 keeps no slot.</summary>
    [Range(0.0, 1.0, MaximumIsExclusive = true)]
    [Key(1)]
    public double Momentum { get; init; }

    /// <summary>Looks ahead by one step of momentum.</summary>
    [Key(2)]
    public bool Nesterov { get; init; }
}

/// <summary>Adagrad: steps shrink with the sum of squared gradients.</summary>
[MessagePackObject]
public sealed record AdagradOptions : OptimizerOptions
{
    /// <summary>The first value of the sum of squares, at least 0.</summary>
    [Range(0.0, double.PositiveInfinity)]
    [Key(1)]
    public double InitialAccumulatorValue { get; init; } = 0.1;

    /// <summary>Added to the root, at least 0.</summary>
    [Range(0.0, double.PositiveInfinity)]
    [Key(2)]
    public double Epsilon { get; init; } = 1e-7;
}

/// <summary>Adadelta: steps scaled by the ratio of two running averages.</summary>
[MessagePackObject]
public sealed record AdadeltaOptions : OptimizerOptions
{
    /// <summary>The decay of both averages, in [0, 1).</summary>
    [Range(0.0, 1.0, MaximumIsExclusive = true)]
    [Key(1)]
    public double Rho { get; init; } = 0.95;

    /// <summary>Added under both roots, above 0.</summary>
    [Range(0.0, double.PositiveInfinity, MinimumIsExclusive = true)]
    [Key(2)]
    public double Epsilon { get; init; } = 1e-7;
}

/// <summary>Adam, with AMSGrad as an option.</summary>
[MessagePackObject]
public sealed record AdamOptions : OptimizerOptions
{
    /// <summary>The decay of the first moment, in [0, 1).</summary>
    [Range(0.0, 1.0, MaximumIsExclusive = true)]
    [Key(1)]
    [JsonPropertyName("beta_1")]
    public double Beta1 { get; init; } = 0.9;

    /// <summary>The decay of the second moment, in [0, 1).</summary>
    [Range(0.0, 1.0, MaximumIsExclusive = true)]
    [Key(2)]
    [JsonPropertyName("beta_2")]
    public double Beta2 { get; init; } = 0.999;

    /// <summary>Added to the root, above 0.</summary>
    [Range(0.0, double.PositiveInfinity, MinimumIsExclusive = true)]
    [Key(3)]
    public double Epsilon { get; init; } = 1e-7;

    /// <summary>Uses the largest second moment so far.</summary>
    [Key(4)]
    public bool Amsgrad { get; init; }
}

/// <summary>Adamax: Adam with the infinity norm.</summary>
[MessagePackObject]
public sealed record AdamaxOptions : OptimizerOptions
{
    /// <summary>The decay of the first moment, in [0, 1).</summary>
    [Range(0.0, 1.0, MaximumIsExclusive = true)]
    [Key(1)]
    [JsonPropertyName("beta_1")]
    public double Beta1 { get; init; } = 0.9;

    /// <summary>The decay of the norm, in [0, 1).</summary>
    [Range(0.0, 1.0, MaximumIsExclusive = true)]
    [Key(2)]
    [JsonPropertyName("beta_2")]
    public double Beta2 { get; init; } = 0.999;

    /// <summary>Added to the norm, above 0.</summary>
    [Range(0.0, double.PositiveInfinity, MinimumIsExclusive = true)]
    [Key(3)]
    public double Epsilon { get; init; } = 1e-7;
}

/// <summary>Nadam: Adam with Nesterov momentum on a schedule.</summary>
[MessagePackObject]
public sealed record NadamOptions : OptimizerOptions
{
    /// <summary>The decay of the first moment, in [0, 1).</summary>
    [Range(0.0, 1.0, MaximumIsExclusive = true)]
    [Key(1)]
    [JsonPropertyName("beta_1")]
    public double Beta1 { get; init; } = 0.9;

    /// <summary>The decay of the second moment, in [0, 1).</summary>
    [Range(0.0, 1.0, MaximumIsExclusive = true)]
    [Key(2)]
    [JsonPropertyName("beta_2")]
    public double Beta2 { get; init; } = 0.999;

    /// <summary>Added to the root, above 0.</summary>
    [Range(0.0, double.PositiveInfinity, MinimumIsExclusive = true)]
    [Key(3)]
    public double Epsilon { get; init; } = 1e-7;

    /// <summary>How fast the momentum schedule rises, at least 0.</summary>
    [Range(0.0, double.PositiveInfinity)]
    [Key(4)]
    public double ScheduleDecay { get; init; } = 0.004;
}

/// <summary>RMSprop, with momentum and centering as options.</summary>
[MessagePackObject]
public sealed record RmspropOptions : OptimizerOptions
{
    /// <summary>The decay of the average of squares, in [0, 1).</summary>
    [Range(0.0, 1.0, MaximumIsExclusive = true)]
    [Key(1)]
    public double Rho { get; init; } = 0.9;

    /// <summary>The share of the last step that is kept, in [0, 1); 0 keeps no slot.</summary>
    [Range(0.0, 1.0, MaximumIsExclusive = true)]
    [Key(2)]
    public double Momentum { get; init; }

    /// <summary>Added under the root, above 0.</summary>
    [Range(0.0, double.PositiveInfinity, MinimumIsExclusive = true)]
    [Key(3)]
    public double Epsilon { get; init; } = 1e-7;

    /// <summary>Divides by the estimated variance instead of the second moment.</summary>
    [Key(4)]
    public bool Centered { get; init; }
}

/// <summary>Follow the regularized leader, proximal form.</summary>
[MessagePackObject]
public sealed record FtrlOptions : OptimizerOptions
{
    /// <summary>The power of the accumulator in the step size, at most 0.</summary>
    [Range(double.NegativeInfinity, 0.0)]
    [Key(1)]
    public double LearningRatePower { get; init; } = -0.5;

    /// <summary>The first value of the sum of squares, at least 0.</summary>
    [Range(0.0, double.PositiveInfinity)]
    [Key(2)]
    public double InitialAccumulatorValue { get; init; } = 0.1;

    /// <summary>L1 strength, at least 0.</summary>
    [Range(0.0, double.PositiveInfinity)]
    [Key(3)]
    public double L1 { get; init; }

    /// <summary>L2 strength, at least 0.</summary>
    [Range(0.0, double.PositiveInfinity)]
    [Key(4)]
    public double L2 { get; init; }

    /// <summary>L2 shrinkage of the gradient, at least 0.</summary>
    [Range(0.0, double.PositiveInfinity)]
    [Key(5)]
    public double L2Shrinkage { get; init; }

    /// <summary>Added to L2 as beta / (2 · learning rate), at least 0.</summary>
    [Range(0.0, double.PositiveInfinity)]
    [Key(6)]
    public double Beta { get; init; }
}
