using System.ComponentModel.DataAnnotations;
using MessagePack;
using KeyAttribute = MessagePack.KeyAttribute;

namespace OpenEmbedding.EmbeddingPs.Optimizers;

/// <summary>How the learning rates of dense weights and rows change from step to step: the factor that multiplies them.</summary>
/// <remarks>
/// Steps count from the start of training, over all epochs and through checkpoints. Source of the curves: Keras' ExponentialDecay, CosineDecay and
/// PolynomialDecay; of the warm-up: Horovod's LearningRateWarmupCallback, by steps in place of batches of an epoch.
/// </remarks>
[MessagePackObject]
public sealed record RateSchedule
{
    /// <summary>The curve after the warm-up.</summary>
    [Key(0)]
    public RateCurve Curve { get; init; }

    /// <summary>Steps of the warm-up, in which the factor grows evenly to 1; 0: none.</summary>
    [Range(typeof(long), "0", "9223372036854775807")]
    [Key(1)]
    public long WarmupSteps { get; init; }

    /// <summary>The factor that the warm-up starts from; Horovod starts from 1 divided by the number of trainers.</summary>
    [Range(0.0, 1.0)]
    [Key(2)]
    public double WarmupFrom { get; init; }

    /// <summary>Steps behind the warm-up: of <c>cosine</c> and <c>polynomial</c> until <c>end</c>, of <c>exponential</c> until the factor is <c>decay_rate</c>.</summary>
    [Range(typeof(long), "1", "9223372036854775807")]
    [Key(3)]
    public long? DecaySteps { get; init; }

    /// <summary>By what <c>exponential</c> multiplies the factor every <c>decay_steps</c>.</summary>
    [Range(0.0, 1.0, MinimumIsExclusive = true)]
    [Key(4)]
    public double DecayRate { get; init; } = 0.96;

    /// <summary>Whether <c>exponential</c> goes down at once every <c>decay_steps</c>, in place of a little each step.</summary>
    [Key(5)]
    public bool Staircase { get; init; }

    /// <summary>The exponent of <c>polynomial</c>; 1: a straight line.</summary>
    [Range(0.0, double.PositiveInfinity, MinimumIsExclusive = true)]
    [Key(6)]
    public double Power { get; init; } = 1;

    /// <summary>The last factor of <c>cosine</c> and <c>polynomial</c>.</summary>
    [Range(0.0, 1.0)]
    [Key(7)]
    public double End { get; init; }

    /// <summary>Whether any step has a factor other than 1.</summary>
    [IgnoreMember]
    public bool IsOn => WarmupSteps > 0 || Curve != RateCurve.Constant;

    /// <summary>The factor of a step, counted from 0.</summary>
    public double FactorAt(long step)
    {
        if (step < WarmupSteps)
        {
            return WarmupFrom + ((1 - WarmupFrom) * ((step + 1) / (double)WarmupSteps));
        }

        double done = (step - WarmupSteps) / (double)(DecaySteps ?? 1);
        double left = 1 - Math.Min(done, 1);
        return Curve switch
        {
            RateCurve.Constant => 1,
            RateCurve.Exponential => Math.Pow(DecayRate, Staircase ? Math.Floor(done) : done),
            RateCurve.Cosine => End + ((1 - End) * 0.5 * (1 + Math.Cos(Math.PI * (1 - left)))),
            RateCurve.Polynomial => End + ((1 - End) * Math.Pow(left, Power)),
            _ => throw new ArgumentOutOfRangeException(nameof(step), Curve, "not a curve"),
        };
    }
}

/// <summary>How a learning rate goes down.</summary>
public enum RateCurve
{
    /// <summary>Not at all.</summary>
    Constant,

    /// <summary>By <c>decay_rate</c> every <c>decay_steps</c>, for ever.</summary>
    Exponential,

    /// <summary>Along half a cosine to <c>end</c>.</summary>
    Cosine,

    /// <summary>Along a power of the steps that are left to <c>end</c>.</summary>
    Polynomial,
}
