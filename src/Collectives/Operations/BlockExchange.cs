namespace OpenEmbedding.Collectives;

/// <summary>
/// A reduction in own code among a group of ranks: every rank gets its even block from all and combines them in the order of the group;
/// then, if all are to have the whole, each gives its block to all.
/// </summary>
internal sealed unsafe class BlockExchange
{
    private readonly CollectiveOperation _owner;
    private readonly int[] _group;
    private readonly int _own;
    private readonly BlockLayout _blocks;
    private readonly nint _data;
    private readonly ElementType _type;
    private nint _received;
    private long _capacity;

    /// <summary>Prepares the exchange.</summary>
    /// <param name="owner">The operation that it is part of.</param>
    /// <param name="group">The ranks that take part, this one among them; the same on all of them.</param>
    /// <param name="data">The elements of this rank.</param>
    /// <param name="count">How many; the same on every rank of the group.</param>
    /// <param name="type">Their type.</param>
    internal BlockExchange(CollectiveOperation owner, int[] group, nint data, long count, ElementType type)
    {
        _owner = owner;
        _group = group;
        _own = Array.IndexOf(group, owner.Communicator.Rank);
        _data = data;
        _type = type;
        _blocks = BlockLayout.Even(count, group.Length, type.SizeOf());
    }

    /// <summary>Where this rank's block lies in its data.</summary>
    internal nint OwnBlock => _data + (nint)_blocks.OffsetOf(_own);

    /// <summary>The number of elements in this rank's block.</summary>
    internal long OwnCount => OwnBytes / _type.SizeOf();

    private long OwnBytes => _blocks.BytesOf(_own);

    internal void Start(RequestSet requests)
    {
        _received = NativePool.Rent(Math.Max(1, OwnBytes * (_group.Length - 1)), out _capacity);
        foreach (var peer in Pairwise.Peers(_own, _group.Length))
        {
            Pairwise.Receive(_owner.Communicator, requests, PlaceOf(peer), OwnBytes, _group[peer], _owner.CallBytes);
        }

        foreach (var peer in Pairwise.Peers(_own, _group.Length))
        {
            Pairwise.Send(
                _owner.Communicator, requests, _data + (nint)_blocks.OffsetOf(peer), _blocks.BytesOf(peer), _group[peer], _owner.CallBytes);
        }
    }

    /// <summary>Writes this rank's block, combined, once all requests are complete.</summary>
    internal void Combine(nint destination, ReduceOperation operation)
    {
        var sources = new nint[_group.Length];
        for (var source = 0; source < sources.Length; source++)
        {
            sources[source] = source == _own ? OwnBlock : PlaceOf(source);
        }

        Reduction.Combine(sources, destination, OwnCount, _type, operation);
    }

    /// <summary>Starts to give this rank's block to the group and to get theirs.</summary>
    internal void Gather(RequestSet requests)
    {
        foreach (var peer in Pairwise.Peers(_own, _group.Length))
        {
            Pairwise.Receive(
                _owner.Communicator, requests, _data + (nint)_blocks.OffsetOf(peer), _blocks.BytesOf(peer), _group[peer], _owner.CallBytes);
            Pairwise.Send(_owner.Communicator, requests, OwnBlock, OwnBytes, _group[peer], _owner.CallBytes);
        }
    }

    internal void Release()
    {
        if (_received != 0)
        {
            NativePool.Return(_received, _capacity);
            _received = 0;
        }
    }

    private nint PlaceOf(int peer) => _received + (nint)(OwnBytes * (peer < _own ? peer : peer - 1));
}
