namespace OpenEmbedding.Collectives;

/// <summary>
/// Reduces 16-bit floating-point buffers, which MPI cannot: every rank combines its block in float32 and rounds once, then all gather
/// the blocks. Each element travels twice, as in MPI's own reduction of long buffers.
/// </summary>
internal sealed class NarrowAllReduceOperation : ReductionOperation
{
    private BlockExchange? _exchange;

    internal required nint Data { get; init; }

    internal required long Count { get; init; }

    internal override long[] Rounds => [Count];

    internal override void Start()
    {
        _exchange = new BlockExchange(this, Data, Count, Type);
        _exchange.Start(Requests);
    }

    internal override void Release() => _exchange?.Release();

    protected override void Continue()
    {
        var blocks = _exchange!.Blocks;
        var own = Data + (nint)blocks.OffsetOf(Communicator.Rank);
        _exchange.Combine(own, Operation);
        foreach (var peer in Pairwise.Peers(Communicator))
        {
            Pairwise.Receive(
                Communicator, Requests, Data + (nint)blocks.OffsetOf(peer), blocks.BytesOf(peer), peer, CallBytes);
            Pairwise.Send(Communicator, Requests, own, blocks.BytesOf(Communicator.Rank), peer, CallBytes);
        }

        IssuedAll();
    }
}
