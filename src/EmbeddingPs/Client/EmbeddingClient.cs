using System.Buffers;
using OpenEmbedding.Collectives;
using OpenEmbedding.EmbeddingPs.Protocol;
using OpenEmbedding.EmbeddingPs.Server;

namespace OpenEmbedding.EmbeddingPs.Client;

/// <summary>A trainer's embeddings on the servers of a job.</summary>
/// <remarks>
/// <see cref="Dispose"/> says goodbye to the servers, which end when all trainers have. After a failure of a server every call throws.
/// </remarks>
/// <example><code>
/// using var store = new EmbeddingClient(communication.Messenger, layout, staleness: 0);
/// store.CreateTables([table]);
/// keys.Plan(ids, table.Kind, store.Shards);
/// using var ticket = store.BeginPull(step, PullMode.Train, [new PullSection(keys, [0])]);
/// ticket.CopyRows(0, 0, rows);                                // [keys.Count, Dimension]
/// store.Push(step, [new GradientBlock(ticket, [[gradients]])]);
/// </code></example>
public sealed unsafe partial class EmbeddingClient : IEmbeddingStore
{
    private readonly IMessenger _messenger;
    private readonly ClusterLayout _layout;
    private readonly int _staleness;
    private readonly WireOptions _wire;
    private readonly int _model;
    private readonly int _trainer;
    private readonly Inbox _inbox;
    private readonly Stack<PullState> _freeStates = new();
    private TableShapes? _shapes;
    private long _nextTicket;
    private long _nextPush;
    private long _pulledBytes;
    private long _pushedBytes;
    private bool _disposed;

    /// <summary>Makes the store of the trainer on this rank; the servers of the layout run <see cref="EmbeddingServer"/>.</summary>
    /// <param name="messenger">The messages of this rank.</param>
    /// <param name="layout">Trainers, of which this rank is one, and servers; the same on every rank.</param>
    /// <param name="staleness">How many steps a pull may be behind, 0 or more; the same on every rank.</param>
    /// <param name="wire">How rows and gradients travel, the same on every rank; by default as they are.</param>
    /// <param name="model">Which of the job's models, from <see cref="Protocol.Protocol.FirstModel"/>; see <see cref="OpenModel"/>.</param>
    public EmbeddingClient(
        IMessenger messenger, ClusterLayout layout, int staleness, WireOptions? wire = null, int model = Protocol.Protocol.FirstModel)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(staleness);
        _trainer = layout.TrainerOf(messenger.Rank);
        if (_trainer < 0)
        {
            throw new ArgumentException($"Rank {messenger.Rank} is not among the trainers [{string.Join(", ", layout.Trainers)}].", nameof(layout));
        }

        _messenger = messenger;
        _layout = layout;
        _staleness = staleness;
        _wire = wire ?? new WireOptions();
        _model = model;
        _inbox = messenger.OpenInbox(Protocol.Protocol.ReplyChannel(model));
        messenger.Watch(FindWait);
    }

    /// <inheritdoc/>
    public int Shards => _layout.Servers.Count;

    /// <inheritdoc/>
    public TrafficCounters Traffic => new(Interlocked.Read(ref _pulledBytes), Interlocked.Read(ref _pushedBytes));

    /// <summary>Where the store shows its pulls, each from the request to the last answer.</summary>
    public TimelineLane Timeline { get; init; }

    private TableShapes Shapes => _shapes ?? throw new InvalidOperationException("The tables are not created yet.");

    /// <inheritdoc/>
    public PullTicket BeginPull(long step, PullMode mode, IReadOnlyList<PullSection> sections)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(step);
        if (mode == PullMode.Train && step < _nextPush)
        {
            throw new ArgumentOutOfRangeException(nameof(step), step, $"The pull is to be trained, but step {step} is already pushed.");
        }

        StoreChecks.Check(sections, Shapes, Shards, step);
        var state = TakeState();
        state.Lay(step, sections);
        Expect(state, MessageKind.Rows, Shards);
        for (int server = 0; server < Shards; server++)
        {
            Send(server, CreatePull(state, step, mode, sections, server), ref _pulledBytes);
        }

        return new RemotePullTicket(this, state, step, mode);
    }

    /// <summary>Says goodbye to the servers and waits until they have heard it.</summary>
    public void Dispose()
    {
        if (_disposed)
        {
            return;
        }

        _disposed = true;
        try
        {
            Ask(MessageKind.Goodbye, MessageKind.Done).Dispose();
        }
        catch (OpenEmbeddingException)
        {
            // A server failed and reports that itself; there is nobody to say goodbye to.
        }

        _inbox.Close();
        _open.ForEach(replies => replies.Dispose());
    }

    /// <summary>Gives a pull's buffers back, at once or with its last answer.</summary>
    internal void Release(PullState state)
    {
        lock (_gate)
        {
            if (state.IsComplete)
            {
                Recycle(state);
            }
            else
            {
                state.IsAbandoned = true;
            }
        }
    }

    private PullState TakeState()
    {
        lock (_gate)
        {
            return _freeStates.TryPop(out var state) ? state : new PullState(Shards, Shapes);
        }
    }

    private void Send(int server, MessageBuffer message, ref long bytes)
    {
        Interlocked.Add(ref bytes, message.Length);
        _messenger.Send(_layout.Servers[server], Protocol.Protocol.RequestChannel(_model), message);
    }

    private MessageBuffer CreatePull(PullState state, long step, PullMode mode, IReadOnlyList<PullSection> sections, int server)
    {
        long keys = 0;
        for (int i = 0; i < sections.Count; i++)
        {
            var offsets = sections[i].Keys.ShardOffsets;
            keys += offsets[server + 1] - offsets[server];
        }

        bool compresses = _wire.Keys == KeyEncoding.Lz4;
        int directoryBytes = SectionDirectory.Bytes(sections.Count, state.Blocks);
        var message = Envelope.Rent(new MessageHeader
        {
            Kind = MessageKind.Pull,
            Step = step,
            Ticket = state.Id,
            Trainer = _trainer,
            Sections = sections.Count,
            Tables = state.Blocks,
            Code = (int)mode,
            DirectoryBytes = directoryBytes,
            BodyBytes = directoryBytes + (compresses ? CompressedKeys.LargestBytes(keys) : keys * sizeof(long)),
        });
        byte* body = Envelope.Body(message);
        var directory = SectionDirectory.Create(body, sections.Count, state.Blocks);
        for (int i = 0; i < sections.Count; i++)
        {
            var (batch, tables) = sections[i];
            directory.Write(i, KeysOf(batch, server).Length, state.FirstBlock(i), tables);
        }

        if (compresses)
        {
            long[] all = ArrayPool<long>.Shared.Rent(checked((int)keys));
            fixed (long* first = all)
            {
                CopyKeys(sections, server, first);
            }

            Envelope.Shorten(message, directoryBytes + CompressedKeys.Write(all.AsSpan(0, (int)keys), (byte*)directory.FirstKey));
            ArrayPool<long>.Shared.Return(all);
        }
        else
        {
            CopyKeys(sections, server, directory.FirstKey);
        }

        Envelope.Seal(message);
        return message;
    }

    private static ReadOnlySpan<long> KeysOf(KeyBatch batch, int server) =>
        batch.Keys[batch.ShardOffsets[server]..batch.ShardOffsets[server + 1]];

    private static void CopyKeys(IReadOnlyList<PullSection> sections, int server, long* destination)
    {
        for (int i = 0; i < sections.Count; i++)
        {
            var keys = KeysOf(sections[i].Keys, server);
            keys.CopyTo(new Span<long>(destination, keys.Length));
            destination += keys.Length;
        }
    }
}
