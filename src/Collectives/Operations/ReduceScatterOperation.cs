namespace OpenEmbedding.Collectives;

/// <summary>Reduces the buffers of all ranks and leaves each rank its even block of the result.</summary>
internal sealed class ReduceScatterOperation : CollectiveOperation
{
    private BlockExchange? _exchange;

    internal override string Kind => "reduce-scatter";

    internal override string Extent => $"{Count} {Type.Name()}";

    internal required nint Send { get; init; }

    internal required nint Receive { get; init; }

    internal required long Count { get; init; }

    internal required ElementType Type { get; init; }

    internal required ReduceOperation Operation { get; init; }

    internal override void Start()
    {
        _exchange = new BlockExchange(this, [.. Enumerable.Range(0, Communicator.Size)], Send, Count, Type);
        _exchange.Start(Requests);
        IssuedAll();
    }

    internal override void Release() => _exchange?.Release();

    protected override void Finish() => _exchange!.Combine(Receive, Operation);
}
