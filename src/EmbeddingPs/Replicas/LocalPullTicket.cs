using OpenEmbedding.EmbeddingPs.Client;

namespace OpenEmbedding.EmbeddingPs.Replicas;

/// <summary>A pull from tables of this process: the keys are kept, and the rows are read when they are asked for.</summary>
internal sealed class LocalPullTicket : PullTicket
{
    private readonly ReplicaStore _store;
    private LocalPull? _pull;

    public LocalPullTicket(ReplicaStore store, LocalPull pull, long step, PullMode mode)
        : base(step, mode)
    {
        _store = store;
        _pull = pull;
    }

    public override bool IsCompleted => _store.IsApplied(Step);

    /// <summary>The keys; not after <see cref="Dispose"/>.</summary>
    internal LocalPull Pull => _pull ?? throw new ObjectDisposedException(nameof(PullTicket), $"The pull for step {Step} is disposed.");

    public override void Wait() => _store.WaitFor(Step);

    public override void CopyRows(int section, int tableOfSection, nint destination)
    {
        var pull = Pull;
        ArgumentOutOfRangeException.ThrowIfNegative(section);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(section, pull.Sections);
        var tables = pull.Tables(section);
        ArgumentOutOfRangeException.ThrowIfNegative(tableOfSection);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(tableOfSection, tables.Length);
        _store.CopyRows(Step, tables[tableOfSection], pull.Keys(section), destination);
    }

    public override void Dispose()
    {
        if (Interlocked.Exchange(ref _pull, null) is { } pull)
        {
            _store.Release(pull);
        }
    }

    /// <summary>Whether the ticket is one of this store.</summary>
    internal bool IsOf(ReplicaStore store) => _store == store;
}
