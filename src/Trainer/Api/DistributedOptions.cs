using OpenEmbedding.EmbeddingPs.Growth;
using OpenEmbedding.EmbeddingPs.Initializers;
using OpenEmbedding.EmbeddingPs.Tables;

namespace OpenEmbedding.Trainer;

/// <summary>How the embedding layers of a model become tables.</summary>
public sealed record DistributedOptions
{
    /// <summary>Layers of at most so many rows stay on the trainers, replicated, their gradients all-reduced; default 0: all move to the servers.</summary>
    public long SparseAsDenseSize { get; init; }

    /// <summary>The weights of a row never trained; default as torch's: normal with mean 0 and standard deviation 1.</summary>
    public InitializerOptions Initializer { get; init; } = new RandomNormalOptions { Mean = 0, Stddev = 1 };

    /// <summary>Array: memory for every id of a block once touched. Hash: memory for ids seen only. Default array.</summary>
    public TableKind Kind { get; init; } = TableKind.Array;

    /// <summary>The seed of the initial values.</summary>
    public long Seed { get; init; } = 1024;

    /// <summary>What bounds the growth of each hash table; default null: nothing.</summary>
    public GrowthOptions? Growth { get; init; }
}
