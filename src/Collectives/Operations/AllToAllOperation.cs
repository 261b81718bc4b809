namespace OpenEmbedding.Collectives;

/// <summary>Every rank sends a block of its own to every rank.</summary>
internal sealed unsafe class AllToAllOperation : CollectiveOperation
{
    internal override string Kind => "all-to-all";

    internal override string Extent => $"{SendBlocks.TotalBytes} bytes sent, {ReceiveBlocks.TotalBytes} received";

    internal required nint Send { get; init; }

    internal required nint Receive { get; init; }

    internal required BlockLayout SendBlocks { get; init; }

    internal required BlockLayout ReceiveBlocks { get; init; }

    internal override void Start()
    {
        var rank = Communicator.Rank;
        var own = SendBlocks.BytesOf(rank);
        Buffer.MemoryCopy( // what a rank sends itself is what it receives from itself
            (void*)(Send + (nint)SendBlocks.OffsetOf(rank)), (void*)(Receive + (nint)ReceiveBlocks.OffsetOf(rank)), own, own);
        foreach (var peer in Pairwise.Peers(Communicator))
        {
            Pairwise.Receive(
                Communicator, Requests, Receive + (nint)ReceiveBlocks.OffsetOf(peer), ReceiveBlocks.BytesOf(peer), peer, CallBytes);
        }

        foreach (var peer in Pairwise.Peers(Communicator))
        {
            Pairwise.Send(
                Communicator, Requests, Send + (nint)SendBlocks.OffsetOf(peer), SendBlocks.BytesOf(peer), peer, CallBytes);
        }

        IssuedAll();
    }
}
