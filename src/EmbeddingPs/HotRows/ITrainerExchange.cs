using OpenEmbedding.Collectives;

namespace OpenEmbedding.EmbeddingPs.HotRows;

/// <summary>What the trainers do together for their replicas: all call the same operations in the same order.</summary>
internal interface ITrainerExchange
{
    /// <summary>The number of trainers.</summary>
    int Trainers { get; }

    /// <summary>Starts to add the elements of all trainers; afterwards all have the same bits.</summary>
    void BeginSum(nint data, long count, ElementType type);

    /// <summary>Starts to gather equally long blocks of all trainers, in their order.</summary>
    /// <param name="mine">This trainer's block.</param>
    /// <param name="all">Receives [trainers, <paramref name="bytes"/>].</param>
    /// <param name="bytes">The bytes of one block.</param>
    void BeginGather(nint mine, nint all, long bytes);

    /// <summary>Waits for all that this trainer started.</summary>
    void Wait();
}
