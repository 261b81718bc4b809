using OpenEmbedding.EmbeddingPs.Client;

namespace OpenEmbedding.EmbeddingPs.HotRows;

/// <summary>A pull of which some rows are here and the others come from the servers.</summary>
internal sealed class HotPullTicket : PullTicket
{
    private readonly HotRowStore _store;
    private SplitPull? _pull;

    public HotPullTicket(HotRowStore store, SplitPull pull, long step, PullMode mode)
        : base(step, mode)
    {
        _store = store;
        _pull = pull;
    }

    /// <summary>False too while the pull is put off to the choice of the hot keys, which the first <see cref="Wait"/> makes.</summary>
    public override bool IsCompleted => _store.IsComplete(this);

    /// <summary>The keys; not after <see cref="Dispose"/>.</summary>
    internal SplitPull Pull => _pull ?? throw new ObjectDisposedException(nameof(PullTicket), $"The pull for step {Step} is disposed.");

    /// <summary>Whether the keys are split and those that travel are on their way.</summary>
    internal bool IsSent { get; set; }

    /// <summary>The pull of the keys that travel; null without any.</summary>
    internal PullTicket? Cold { get; set; }

    public override void Wait()
    {
        _ = Pull;
        _store.WaitFor(this);
    }

    public override void CopyRows(int section, int tableOfSection, nint destination)
    {
        var pull = Pull;
        ArgumentOutOfRangeException.ThrowIfNegative(section);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(section, pull.Sections);
        ArgumentOutOfRangeException.ThrowIfNegative(tableOfSection);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(tableOfSection, pull.Tables(section).Length);
        _store.CopyRows(this, section, tableOfSection, destination);
    }

    public override void Dispose()
    {
        if (Interlocked.Exchange(ref _pull, null) is { } pull)
        {
            Cold?.Dispose();
            _store.Release(pull);
        }
    }

    /// <summary>Whether the ticket is one of this store.</summary>
    internal bool IsOf(HotRowStore store) => _store == store;
}
