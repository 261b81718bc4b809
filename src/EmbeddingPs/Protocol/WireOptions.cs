using MessagePack;
using OpenEmbedding.Collectives;
using AllowedValuesAttribute = System.ComponentModel.DataAnnotations.AllowedValuesAttribute;

namespace OpenEmbedding.EmbeddingPs.Protocol;

/// <summary>How numbers and keys travel between ranks; in memory and in files they keep the type of the model.</summary>
[MessagePackObject]
public sealed record WireOptions
{
    /// <summary>The type in which rows are pulled, also for evaluation; left out, that of the model; without meaning unless the strategy is <c>ps</c>.</summary>
    [Key(0)]
    [AllowedValues(ElementType.Float32, ElementType.Float16, ElementType.BFloat16)]
    public ElementType? Pull { get; init; }

    /// <summary>The type in which gradients of rows are pushed or all-gathered; left out, that of the model; without meaning for <c>allreduce</c>.</summary>
    [Key(1)]
    [AllowedValues(ElementType.Float32, ElementType.Float16, ElementType.BFloat16)]
    public ElementType? Push { get; init; }

    /// <summary>The type in which dense gradients are all-reduced, with <c>allreduce</c> those of whole tables too; left out, that of the model.</summary>
    [Key(2)]
    [AllowedValues(ElementType.Float32, ElementType.Float16, ElementType.BFloat16)]
    public ElementType? Dense { get; init; }

    /// <summary>How keys are pulled or all-gathered; without meaning for <c>allreduce</c>.</summary>
    [Key(3)]
    public KeyEncoding Keys { get; init; } = KeyEncoding.None;
}

/// <summary>How keys travel.</summary>
public enum KeyEncoding
{
    /// <summary>As they are, 8 bytes each.</summary>
    None,

    /// <summary>Compressed by LZ4.</summary>
    Lz4,
}
