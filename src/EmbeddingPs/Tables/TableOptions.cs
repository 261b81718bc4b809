using MessagePack;
using OpenEmbedding.Collectives;
using OpenEmbedding.EmbeddingPs.Growth;
using OpenEmbedding.EmbeddingPs.Initializers;
using OpenEmbedding.EmbeddingPs.Optimizers;

namespace OpenEmbedding.EmbeddingPs.Tables;

/// <summary>How a table finds the row of a key.</summary>
public enum TableKind
{
    /// <summary>Keys 0 to vocabulary − 1, each with a place of its own.</summary>
    Array,

    /// <summary>Any key in [0, 2^63); rows come into being when first trained.</summary>
    Hash,
}

/// <summary>Everything that defines an embedding table, the same on every rank.</summary>
[MessagePackObject]
public sealed record TableOptions
{
    /// <summary>The name, unique in the job.</summary>
    [Key(0)]
    public required string Name { get; init; }

    /// <summary>Array or hash.</summary>
    [Key(1)]
    public TableKind Kind { get; init; }

    /// <summary>The number of keys of an array table, at least 1; without meaning for a hash table.</summary>
    [Key(2)]
    public long Vocabulary { get; init; }

    /// <summary>Weights per row, 1 to 4096.</summary>
    [Key(3)]
    public required int Dimension { get; init; }

    /// <summary><see cref="ElementType.Float32"/> or <see cref="ElementType.Float64"/>.</summary>
    [Key(4)]
    public ElementType ElementType { get; init; } = ElementType.Float32;

    /// <summary>The weights of a row never seen.</summary>
    [Key(5)]
    public InitializerOptions Initializer { get; init; } = new RandomUniformOptions();

    /// <summary>The update rule of every row.</summary>
    [Key(6)]
    public OptimizerOptions Optimizer { get; init; } = new AdagradOptions();

    /// <summary>L2 regularization: adds 2 · L2 · w to the gradient of a touched row, once per step, however many trainers touched it.</summary>
    [Key(7)]
    public double L2 { get; init; }

    /// <summary>The seed of the initial values.</summary>
    [Key(8)]
    public long Seed { get; init; }

    /// <summary>Tables with the same key space are asked for the same keys, so that a key is hot in all of them or in none; null: a space of its own.</summary>
    [Key(9)]
    public string? KeySpace { get; init; }

    /// <summary>What bounds the growth of a hash table in memory; null: nothing.</summary>
    [Key(10)]
    public GrowthOptions? Growth { get; init; }

    /// <summary>How the learning rate changes; null: not at all.</summary>
    [Key(11)]
    public RateSchedule? Schedule { get; init; }

    /// <summary>The largest magnitude of an element of a row's summed gradient, above 0; null: any.</summary>
    [Key(12)]
    public double? ClipValue { get; init; }

    /// <summary>The largest L2 norm of a row's summed gradient, above 0; null: any.</summary>
    [Key(13)]
    public double? ClipNorm { get; init; }
}
