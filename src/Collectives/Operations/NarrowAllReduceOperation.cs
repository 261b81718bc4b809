namespace OpenEmbedding.Collectives;

/// <summary>
/// Reduces 16-bit floating-point buffers, which MPI cannot: every rank combines its block in float32 and rounds once, then all gather
/// the blocks. With several groups the block of the first is reduced among the second before it is gathered, so that between hosts each
/// element travels twice for all ranks of a host together, as in MPI's own reduction.
/// </summary>
internal sealed class NarrowAllReduceOperation : ReductionOperation
{
    private readonly List<BlockExchange> _exchanges = [];
    private bool _combined;
    private int _gathered;

    internal required nint Data { get; init; }

    internal required long Count { get; init; }

    /// <summary>The ranks to reduce among, one group after the other; see <see cref="HostGrid"/>.</summary>
    internal required int[][] Groups { get; init; }

    internal override long[] Rounds => [Count];

    internal override void Start() => Exchange(Data, Count);

    internal override void Release() => _exchanges.ForEach(exchange => exchange.Release());

    protected override void Continue()
    {
        if (!_combined)
        {
            var last = _exchanges[^1];
            last.Combine(last.OwnBlock, Operation);
            if (_exchanges.Count < Groups.Length)
            {
                Exchange(last.OwnBlock, last.OwnCount);
                return;
            }

            _combined = true;
        }

        _exchanges[^(++_gathered)].Gather(Requests);
        if (_gathered == Groups.Length)
        {
            IssuedAll();
        }
    }

    private void Exchange(nint data, long count)
    {
        var exchange = new BlockExchange(this, Groups[_exchanges.Count], data, count, Type);
        _exchanges.Add(exchange);
        exchange.Start(Requests);
    }
}
