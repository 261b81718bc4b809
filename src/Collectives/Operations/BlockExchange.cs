namespace OpenEmbedding.Collectives;

/// <summary>The first half of a reduction in own code: every rank gets its even block from all ranks and combines them in rank order.</summary>
internal sealed unsafe class BlockExchange
{
    private readonly CollectiveOperation _owner;
    private readonly nint _data;
    private readonly ElementType _type;
    private nint _received;
    private long _capacity;

    internal BlockExchange(CollectiveOperation owner, nint data, long count, ElementType type)
    {
        _owner = owner;
        _data = data;
        _type = type;
        Blocks = BlockLayout.Even(count, owner.Communicator.Size, type.SizeOf());
    }

    /// <summary>Each rank's block of the data.</summary>
    internal BlockLayout Blocks { get; }

    internal void Start(RequestSet requests)
    {
        var communicator = _owner.Communicator;
        var own = Blocks.BytesOf(communicator.Rank);
        _received = NativePool.Rent(Math.Max(1, own * (communicator.Size - 1)), out _capacity);
        foreach (var peer in Pairwise.Peers(communicator))
        {
            Pairwise.Receive(communicator, requests, PlaceOf(peer), own, peer, _owner.CallBytes);
        }

        foreach (var peer in Pairwise.Peers(communicator))
        {
            Pairwise.Send(
                communicator, requests, _data + (nint)Blocks.OffsetOf(peer), Blocks.BytesOf(peer), peer, _owner.CallBytes);
        }
    }

    /// <summary>Writes this rank's block, combined, once all requests are complete.</summary>
    internal void Combine(nint destination, ReduceOperation operation)
    {
        var size = _owner.Communicator.Size;
        var rank = _owner.Communicator.Rank;
        var sources = new nint[size];
        for (var source = 0; source < size; source++)
        {
            sources[source] = source == rank ? _data + (nint)Blocks.OffsetOf(rank) : PlaceOf(source);
        }

        Reduction.Combine(sources, destination, Blocks.BytesOf(rank) / _type.SizeOf(), _type, operation);
    }

    internal void Release()
    {
        if (_received != 0)
        {
            NativePool.Return(_received, _capacity);
            _received = 0;
        }
    }

    private nint PlaceOf(int peer)
    {
        var rank = _owner.Communicator.Rank;
        return _received + (nint)(Blocks.BytesOf(rank) * (peer < rank ? peer : peer - 1));
    }
}
