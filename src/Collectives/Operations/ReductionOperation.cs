namespace OpenEmbedding.Collectives;

/// <summary>A reduction over all ranks that leaves every rank the result; ranks that joined take part in it with neutral elements.</summary>
internal abstract class ReductionOperation : CollectiveOperation
{
    internal override string Kind => "all-reduce";

    internal override string Extent => $"{Rounds.Sum()} {Type.Name()}";

    internal required ElementType Type { get; init; }

    internal required ReduceOperation Operation { get; init; }

    /// <summary>The number of elements in each of the reductions that it consists of, in their order.</summary>
    internal abstract long[] Rounds { get; }
}
