using System.ComponentModel.DataAnnotations;
using OpenEmbedding.EmbeddingPs.Growth;
using OpenEmbedding.EmbeddingPs.Initializers;
using OpenEmbedding.EmbeddingPs.Optimizers;
using OpenEmbedding.EmbeddingPs.Storage;
using OpenEmbedding.EmbeddingPs.Tables;

namespace OpenEmbedding.Trainer.Configuration;

/// <summary>The embedding tables.</summary>
public sealed record EmbeddingOptions
{
    /// <summary>How a table finds the row of a key.</summary>
    public TableKind Kind { get; init; } = TableKind.Array;

    /// <summary>Weights of an embedding; without meaning for <c>LR</c>.</summary>
    [Range(1, 4096)]
    public int Dimension { get; init; } = 9;

    /// <summary>The weights of a row that was never trained; without <c>name</c>, a random normal with the keys that are given.</summary>
    public InitializerOptions Initializer { get; init; } = new RandomNormalOptions { Mean = 0, Stddev = 1e-4 };

    /// <summary>The update rule of the rows, the linear ones included; left out, the job's.</summary>
    public OptimizerOptions? Optimizer { get; init; }

    /// <summary>
    /// Array tables of at most so many keys stay on the trainers, a replica on each, and their gradients are all-reduced; 0: all rows are on
    /// the servers; without meaning unless the strategy is <c>ps</c>.
    /// </summary>
    [Range(0, 16777216)]
    public int SparseAsDenseSize { get; init; }

    /// <summary>Where a server keeps its rows: all in memory, or those in use in memory and the others in files; <c>tiered</c> needs the strategy <c>ps</c>.</summary>
    public StorageKind Storage { get; init; }

    /// <summary>The memory of a server for the rows of its tiered tables, in MiB; what finds the rows comes on top.</summary>
    [Range(1, 16777216)]
    public int CacheMb { get; init; } = 1024;

    /// <summary>The folder of the files of tiered tables, on a local disk; made if it is not there.</summary>
    [MinLength(1)]
    public string StoragePath { get; init; } = "tmp/rows";

    /// <summary>What bounds the growth of each hash table; by default nothing does.</summary>
    public GrowthOptions Growth { get; init; } = new();
}
