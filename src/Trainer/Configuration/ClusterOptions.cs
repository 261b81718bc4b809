using System.ComponentModel.DataAnnotations;
using OpenEmbedding.EmbeddingPs.Protocol;
using OpenEmbedding.EmbeddingPs.Server;

namespace OpenEmbedding.Trainer.Configuration;

/// <summary>What the ranks do and how they talk.</summary>
public sealed record ClusterOptions
{
    /// <summary>How the gradients of the embeddings reach the weights.</summary>
    public ClusterStrategy Strategy { get; init; } = ClusterStrategy.Ps;

    /// <summary>
    /// Ranks that hold embeddings: a number of ranks of their own, <c>auto</c> for a quarter of the ranks and at least one, <c>colocated</c> for
    /// every rank beside its trainer, <c>colocated:N</c> for N ranks beside their trainers; without meaning unless the strategy is <c>ps</c>.
    /// </summary>
    public ServerCount Servers { get; init; } = ServerCount.Auto;

    /// <summary>
    /// Threads of a server that work on the tables of a large request at once; left out, the rank's share of the host's cores, but four at most, or one on
    /// ranks of their own beside trainers. The result does not depend on it.
    /// </summary>
    [Range(1, 1024)]
    public int? ServerThreads { get; init; }

    /// <summary>Steps that pulled rows may lag behind; 0 is synchronous, more needs the strategy <c>ps</c>.</summary>
    [Range(0, 1024)]
    public int Staleness { get; init; }

    /// <summary>How numbers and keys travel between ranks.</summary>
    public WireOptions Wire { get; init; } = new();

    /// <summary>
    /// How dense gradients are summed that GPUs compute: <c>nccl</c> from GPU to GPU, <c>mpi</c> through memory, <c>auto</c> by NCCL where it is there and every trainer has
    /// a GPU of its own; without meaning on the processor.
    /// </summary>
    public DenseTransport Dense { get; init; } = DenseTransport.Auto;

    /// <summary>
    /// The most keys, of all tables together, whose rows stay on the trainers, a replica on each, because nearly every batch has them: they are
    /// found while training; 0: none; without meaning unless the strategy is <c>ps</c>.
    /// </summary>
    [Range(0, 16777216)]
    public int HotRows { get; init; }

    /// <summary>The buffer that packs small tensors for one all-reduce, in MiB; left out, 64, or what <c>autotune</c> finds.</summary>
    [Range(1, 16384)]
    public int? FusionBufferMb { get; init; }

    /// <summary>
    /// The longest sleep of a waiting rank between two looks for messages, in ms; left out, 4 where all ranks share a host, whose ranks wake each other,
    /// else 1, or what <c>autotune</c> finds.
    /// </summary>
    [Range(0.05, 100.0)]
    public double? CycleTimeMs { get; init; }

    /// <summary>How long ranks may wait for others before a warning names what waits and the ranks that are missing, in seconds; 0: no warning.</summary>
    [Range(0.0, 86400.0)]
    public double StallWarningSeconds { get; init; } = 60;

    /// <summary>How long ranks may wait for others before the job ends with exit code 5, in seconds; 0: for ever.</summary>
    [Range(0.0, 86400.0)]
    public double StallShutdownSeconds { get; init; }

    /// <summary>A file for the timeline of what every rank does, in Chrome's trace form; left out, none is written.</summary>
    [MinLength(1)]
    public string? Timeline { get; init; }

    /// <summary>The first step in the timeline, counted from 1 where the job starts.</summary>
    [Range(1, int.MaxValue)]
    public long TimelineFrom { get; init; } = 1;

    /// <summary>How many steps are in the timeline; left out, all from <c>timeline_from</c> on.</summary>
    [Range(1, int.MaxValue)]
    public long? TimelineSteps { get; init; }
}

/// <summary>How the gradients of the embeddings reach the weights.</summary>
public enum ClusterStrategy
{
    /// <summary>Servers hold the rows; trainers pull rows and push gradients.</summary>
    Ps,

    /// <summary>Every rank holds all rows and all-reduces dense gradients of whole tables.</summary>
    [Named("allreduce")]
    AllReduce,

    /// <summary>Every rank holds all rows and all-gathers the sparse gradients.</summary>
    [Named("allgather")]
    AllGather,
}

/// <summary>How dense gradients on GPUs are summed.</summary>
public enum DenseTransport
{
    /// <summary>By NCCL where that can be, else by MPI.</summary>
    Auto,

    /// <summary>By NCCL, from GPU to GPU.</summary>
    Nccl,

    /// <summary>By MPI, through pinned memory.</summary>
    Mpi,
}
