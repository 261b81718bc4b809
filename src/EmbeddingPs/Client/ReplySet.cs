using System.Diagnostics;
using OpenEmbedding.Collectives;
using OpenEmbedding.EmbeddingPs.Protocol;

namespace OpenEmbedding.EmbeddingPs.Client;

/// <summary>The answers of the servers to one request; reused.</summary>
/// <remarks>Guarded by the client's lock, apart from <see cref="IsComplete"/>.</remarks>
internal class ReplySet(int servers) : IDisposable
{
    private readonly MessageBuffer?[] _replies = new MessageBuffer?[servers];
    private MessageKind _expected;
    private int _missing;

    /// <summary>The request's number.</summary>
    public long Id { get; private set; }

    /// <summary>When the wait began, of <see cref="Stopwatch.GetTimestamp"/>.</summary>
    public long BegunAt { get; private set; }

    /// <summary>Whether every answer is there; they are then safe to read.</summary>
    public bool IsComplete => Volatile.Read(ref _missing) == 0;

    /// <summary>Nobody waits any more: the set goes back to the pool with its last answer.</summary>
    public bool IsAbandoned { get; set; }

    /// <summary>What waits, for a warning.</summary>
    protected virtual string What => $"a request that {_expected} answers";

    /// <summary>Starts to wait.</summary>
    /// <param name="id">The request's number.</param>
    /// <param name="expected">What the servers answer.</param>
    /// <param name="count">How many servers answer.</param>
    public void Begin(long id, MessageKind expected, int count)
    {
        Id = id;
        BegunAt = Stopwatch.GetTimestamp();
        _expected = expected;
        _missing = count;
        IsAbandoned = false;
    }

    /// <summary>Takes an opened answer.</summary>
    public void Deliver(int server, MessageBuffer message)
    {
        ref readonly var header = ref Envelope.HeaderOf(message);
        if (header.Kind != _expected || _missing == 0 || _replies[server] is not null)
        {
            Envelope.Throw(message, $"of kind {header.Kind} answers request {Id}, which waits for {_missing} of kind {_expected}");
        }

        Check(server, message);
        _replies[server] = message;
        Volatile.Write(ref _missing, _missing - 1);
    }

    /// <summary>The wait for the answers that are missing.</summary>
    /// <param name="ranks">The ranks of the servers.</param>
    /// <param name="self">The rank of this trainer, which does not wait for itself.</param>
    public MessageWait AsWait(IReadOnlyList<int> ranks, int self) => new(
        What, BegunAt, [.. ranks.Where((rank, server) => _replies[server] is null && rank != self)], IsFine: this is not PullState);

    /// <summary>The answer of a server, once the set is complete.</summary>
    public MessageBuffer Reply(int server) => _replies[server]!;

    /// <summary>Gives the answers back to the pool.</summary>
    public void Dispose()
    {
        for (int server = 0; server < _replies.Length; server++)
        {
            _replies[server]?.Dispose();
            _replies[server] = null;
        }
    }

    /// <summary>Checks what is particular to the request.</summary>
    protected virtual void Check(int server, MessageBuffer message)
    {
    }
}
