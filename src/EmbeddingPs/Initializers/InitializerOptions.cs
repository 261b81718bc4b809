using System.Text.Json.Serialization;
using MessagePack;
using RangeAttribute = System.ComponentModel.DataAnnotations.RangeAttribute;

namespace OpenEmbedding.EmbeddingPs.Initializers;

/// <summary>How a row that was never seen gets its weights; the value depends on (seed, table, key) only.</summary>
[MessagePackObject]
[Union(0, typeof(ConstantOptions))]
[Union(1, typeof(RandomNormalOptions))]
[Union(2, typeof(TruncatedNormalOptions))]
[Union(3, typeof(RandomUniformOptions))]
[JsonPolymorphic(TypeDiscriminatorPropertyName = "name")]
[JsonDerivedType(typeof(ConstantOptions), "constant")]
[JsonDerivedType(typeof(RandomNormalOptions), "random_normal")]
[JsonDerivedType(typeof(TruncatedNormalOptions), "truncated_normal")]
[JsonDerivedType(typeof(RandomUniformOptions), "random_uniform")]
public abstract record InitializerOptions;

/// <summary>Every weight the same; <c>Zeros</c> and <c>Ones</c> are this with 0 and 1.</summary>
[MessagePackObject]
public sealed record ConstantOptions : InitializerOptions
{
    /// <summary>The value of every weight.</summary>
    [Key(0)]
    public double Value { get; init; }
}

/// <summary>A normal distribution.</summary>
[MessagePackObject]
public sealed record RandomNormalOptions : InitializerOptions
{
    /// <summary>The mean.</summary>
    [Key(0)]
    public double Mean { get; init; }

    /// <summary>The standard deviation, at least 0.</summary>
    [Range(0.0, double.PositiveInfinity)]
    [Key(1)]
    public double Stddev { get; init; } = 0.05;
}

/// <summary>A normal distribution; values farther than two standard deviations from the mean are drawn again.</summary>
[MessagePackObject]
public sealed record TruncatedNormalOptions : InitializerOptions
{
    /// <summary>The mean before truncation.</summary>
    [Key(0)]
    public double Mean { get; init; }

    /// <summary>The standard deviation before truncation, at least 0.</summary>
    [Range(0.0, double.PositiveInfinity)]
    [Key(1)]
    public double Stddev { get; init; } = 0.05;
}

/// <summary>A uniform distribution over [minimum, maximum).</summary>
[MessagePackObject]
public sealed record RandomUniformOptions : InitializerOptions
{
    /// <summary>The smallest value.</summary>
    [Key(0)]
    public double Minimum { get; init; } = -0.05;

    /// <summary>The bound above, not below the minimum.</summary>
    [Key(1)]
    public double Maximum { get; init; } = 0.05;
}
