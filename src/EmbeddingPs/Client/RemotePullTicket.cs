namespace OpenEmbedding.EmbeddingPs.Client;

/// <summary>A pull that servers answer.</summary>
internal sealed class RemotePullTicket : PullTicket
{
    private readonly EmbeddingClient _client;
    private PullState? _state;

    public RemotePullTicket(EmbeddingClient client, PullState state, long step, PullMode mode)
        : base(step, mode)
    {
        _client = client;
        _state = state;
    }

    public override bool IsCompleted => _client.IsComplete(State);

    /// <summary>The layout of the rows; not after <see cref="Dispose"/>.</summary>
    internal PullState State => _state ?? throw new ObjectDisposedException(nameof(PullTicket), $"The pull for step {Step} is disposed.");

    public override void Wait() => _client.WaitFor(State);

    public override void CopyRows(int section, int tableOfSection, nint destination)
    {
        var state = State;
        ArgumentOutOfRangeException.ThrowIfNegative(section);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(section, state.Sections);
        ArgumentOutOfRangeException.ThrowIfNegative(tableOfSection);
        int block = state.FirstBlock(section) + tableOfSection;
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(block, state.FirstBlock(section + 1), nameof(tableOfSection));
        _client.WaitFor(state);
        state.CopyRows(block, destination);
    }

    public override void Dispose()
    {
        if (Interlocked.Exchange(ref _state, null) is { } state)
        {
            _client.Release(state);
        }
    }

    /// <summary>Whether the ticket is one of this client.</summary>
    internal bool IsOf(EmbeddingClient client) => _client == client;
}
