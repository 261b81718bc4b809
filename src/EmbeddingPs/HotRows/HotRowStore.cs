using OpenEmbedding.Collectives;
using OpenEmbedding.EmbeddingPs.Client;
using OpenEmbedding.EmbeddingPs.Protocol;
using OpenEmbedding.EmbeddingPs.Tables;

namespace OpenEmbedding.EmbeddingPs.HotRows;

/// <summary>
/// Embeddings on servers, but for the rows that nearly every batch has: of those each trainer holds a replica, and their gradients are
/// summed over the trainers. Every row has one owner at a time, so that training gives the same as with servers alone, to float order.
/// </summary>
/// <remarks>
/// Small array tables stay on the trainers for good. Of the other tables the trainers count keys and choose the hot ones together, see
/// <see cref="HotRowSchedule"/> and <see cref="HotKeySelection"/>. A pull for a step behind the next choice is put off until it is waited for;
/// then the hot keys are chosen, rows move between servers and trainers with their slots, and the pull goes out. The servers keep
/// their copies of hot rows, which nobody reads; a save writes the rows to them first.
/// Sums are collective operations: every trainer pushes every step, in the same place among its other operations of the same set.
/// An update of replicas is finished by the next call that needs it.
/// </remarks>
public sealed unsafe partial class HotRowStore : IEmbeddingStore
{
    private readonly object _gate = new();
    private readonly EmbeddingClient _servers;
    private readonly ITrainerExchange _exchange;
    private readonly HotRowOptions _options;
    private readonly HotRowSchedule _schedule;
    private readonly int _rank;
    private readonly Stack<SplitPull> _freePulls = new();
    private TableShapes? _shapes;
    private KeySpaces _spaces = null!;
    private long _stepsBefore;
    private long _pushedSteps;
    private long _appliedSteps;
    private long _pulledBytes;
    private long _pushedBytes;
    private bool _disposed;

    /// <summary>Makes the store of the trainer on this rank.</summary>
    /// <param name="servers">The rows on servers; disposed with the store. Replicated rows are never behind, whatever its staleness.</param>
    /// <param name="trainers">All trainers, in a set of its own, whose operations no other thread starts.</param>
    /// <param name="options">Which rows stay on the trainers; the same on every rank.</param>
    public HotRowStore(EmbeddingClient servers, ProcessSet trainers, HotRowOptions options)
        : this(servers, new ProcessSetExchange(trainers), trainers.Ranks[trainers.Rank], options)
    {
    }

    internal HotRowStore(EmbeddingClient servers, ITrainerExchange exchange, int rank, HotRowOptions options)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(options.HotRows);
        ArgumentOutOfRangeException.ThrowIfNegative(options.SparseAsDenseSize);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.Period, 1);
        _servers = servers;
        _exchange = exchange;
        _rank = rank;
        _options = options;
        _schedule = new HotRowSchedule(options);
    }

    /// <inheritdoc/>
    public int Shards => _servers.Shards;

    /// <inheritdoc/>
    public TrafficCounters Traffic
    {
        get
        {
            var servers = _servers.Traffic;
            lock (_gate)
            {
                return new TrafficCounters(servers.PulledBytes + _pulledBytes, servers.PushedBytes + _pushedBytes);
            }
        }
    }

    private TableShapes Shapes => _shapes ?? throw new InvalidOperationException("The tables are not created yet.");

    /// <inheritdoc/>
    public void CreateTables(IReadOnlyList<TableOptions> tables)
    {
        if (_shapes is not null)
        {
            throw new InvalidOperationException("The tables are already created.");
        }

        if (_options.HotRows > 0 && tables.FirstOrDefault(table => table.Growth is not null) is { } growing)
        {
            throw new OpenEmbeddingException(
                $"Table {growing.Name}: growth is bounded on servers only, and its hot rows may be on the trainers.", JobExitCode.Configuration);
        }

        var shapes = new TableShapes(tables, new WireOptions());
        _spaces = new KeySpaces(tables, _options.SparseAsDenseSize);
        _servers.CreateTables(tables);
        CreateReplicas(shapes);
        _shapes = shapes;
    }

    /// <inheritdoc/>
    public PullTicket BeginPull(long step, PullMode mode, IReadOnlyList<PullSection> sections)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(step);
        StoreChecks.Check(sections, Shapes, Shards, step);
        lock (_gate)
        {
            if (mode == PullMode.Train && step < _pushedSteps)
            {
                throw new ArgumentOutOfRangeException(nameof(step), step, $"The pull is to be trained, but step {step} is already pushed.");
            }

            var pull = _freePulls.TryPop(out var free) ? free : new SplitPull();
            pull.Take(sections);
            var ticket = new HotPullTicket(this, pull, step, mode);
            if (_schedule.LastChoice(step) <= _chosenAt)
            {
                Send(ticket);
            }

            return ticket;
        }
    }

    /// <summary>Finishes the last update, which other trainers count on, says goodbye to the servers and frees the replicas.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            if (_disposed)
            {
                return;
            }

            _disposed = true;
            FinishUpdate();
            _servers.Dispose();
            FreeReplicas();
            foreach (var pull in _freePulls)
            {
                pull.Dispose();
            }
        }
    }

    internal bool IsComplete(HotPullTicket ticket)
    {
        lock (_gate)
        {
            return _pushedSteps >= ticket.Step && ticket.IsSent && ticket.Cold is not { IsCompleted: false };
        }
    }

    internal void WaitFor(HotPullTicket ticket)
    {
        lock (_gate)
        {
            while (_pushedSteps < ticket.Step)
            {
                Monitor.Wait(_gate);
            }

            FinishUpdate();
            if (!ticket.IsSent)
            {
                ChooseFor(ticket.Step);
                Send(ticket);
            }
        }

        ticket.Cold?.Wait();
    }

    internal void CopyRows(HotPullTicket ticket, int section, int tableOfSection, nint destination)
    {
        WaitFor(ticket);
        var pull = ticket.Pull;
        var part = pull.Find(section, tableOfSection, out int tableOfPart);
        int table = part.Tables[tableOfPart];
        if (part.ColdSection >= 0)
        {
            ticket.Cold!.CopyRows(part.ColdSection, tableOfPart, destination);
            if (part.IsMixed)
            {
                Spread(part.ColdPlaces, (byte*)destination, Shapes.RowBytes(table));
            }
        }

        if (!part.Slots.IsEmpty)
        {
            lock (_gate)
            {
                CheckNotPushed(ticket.Step);
                _replicas[table]!.Read(part.Slots, part.HotPlaces, destination);
            }
        }
    }

    internal void Release(SplitPull pull)
    {
        lock (_gate)
        {
            if (_disposed)
            {
                pull.Dispose();
            }
            else
            {
                _freePulls.Push(pull);
            }
        }
    }

    // Rows come one after the other; each moves to a place that is not before its own, so the last goes first.
    private static void Spread(ReadOnlySpan<int> places, byte* rows, int rowBytes)
    {
        for (int i = places.Length - 1; i >= 0 && places[i] > i; i--)
        {
            RowCopy.Copy(rows + ((long)i * rowBytes), rows + ((long)places[i] * rowBytes), rowBytes);
        }
    }

    private void Send(HotPullTicket ticket)
    {
        var pull = ticket.Pull;
        pull.Split(_spaces, _hot);
        bool counts = ticket.Mode == PullMode.Train && _schedule.Counts(ticket.Step);
        for (int i = 0; i < pull.PartCount; i++)
        {
            CountUse(pull.Part(i));
            if (counts)
            {
                CountKeys(pull.Part(i));
            }
        }

        ticket.Cold = pull.Cold.Count > 0 ? _servers.BeginPull(ticket.Step, ticket.Mode, pull.Cold) : null;
        ticket.IsSent = true;
    }

    private void CheckNotPushed(long step)
    {
        if (_appliedSteps > step)
        {
            throw new InvalidOperationException($"The rows of a pull for step {step} are read before that step is pushed; {_appliedSteps} steps are.");
        }
    }
}
