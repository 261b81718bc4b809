using OpenEmbedding.Collectives;
using OpenEmbedding.EmbeddingPs.Checkpoints;
using OpenEmbedding.EmbeddingPs.Client;
using OpenEmbedding.EmbeddingPs.Protocol;
using OpenEmbedding.EmbeddingPs.Server;
using OpenEmbedding.EmbeddingPs.Tables;

namespace OpenEmbedding.EmbeddingPs.Replicas;

/// <summary>Embeddings without servers: every trainer holds all tables whole, and all apply the gradients of all.</summary>
/// <remarks>
/// Pushes are collective operations of the process set: every trainer makes them in the same place among its other operations of that set.
/// An update is finished by the next call that needs it.
/// </remarks>
public abstract class ReplicaStore : IEmbeddingStore
{
    private readonly object _gate = new();
    private readonly Stack<LocalPull> _freePulls = new();
    private TableShapes? _shapes;
    private TableShard? _shard;
    private long _pushedSteps;
    private long _appliedSteps;
    private bool _disposed;

    private protected ReplicaStore(ProcessSet trainers, WireOptions? wire)
    {
        Trainers = trainers;
        Wire = wire ?? new WireOptions();
    }

    /// <inheritdoc/>
    public int Shards => 1;

    /// <inheritdoc/>
    public TrafficCounters Traffic { get; private set; }

    private protected ProcessSet Trainers { get; }

    private protected WireOptions Wire { get; }

    private protected TableShard Shard => _shard ?? throw new InvalidOperationException("The tables are not created yet.");

    /// <inheritdoc/>
    public void CreateTables(IReadOnlyList<TableOptions> tables)
    {
        if (_shard is not null)
        {
            throw new InvalidOperationException("The tables are already created.");
        }

        var shapes = new TableShapes(tables, Wire);
        Check(tables);
        CheckSame(tables);
        _shapes = shapes;
        _shard = CreateShard(shapes);
    }

    /// <inheritdoc/>
    public PullTicket BeginPull(long step, PullMode mode, IReadOnlyList<PullSection> sections)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(step);
        StoreChecks.Check(sections, Shard.Shapes, Shards, step);
        lock (_gate)
        {
            if (mode == PullMode.Train && step < _pushedSteps)
            {
                throw new ArgumentOutOfRangeException(nameof(step), step, $"The pull is to be trained, but step {step} is already pushed.");
            }

            var pull = _freePulls.TryPop(out var free) ? free : new LocalPull();
            pull.Take(sections);
            Count(pull);
            return new LocalPullTicket(this, pull, step, mode);
        }
    }

    /// <inheritdoc/>
    public void Push(long step, IReadOnlyList<GradientBlock> blocks)
    {
        lock (_gate)
        {
            if (step != _pushedSteps)
            {
                throw new ArgumentOutOfRangeException(nameof(step), step, $"Steps are pushed one after the other; {_pushedSteps} is next.");
            }

            FinishPush();
            StoreChecks.Check(blocks, step);
            for (int i = 0; i < blocks.Count; i++)
            {
                Check(i, blocks[i]);
            }

            BeginPush(blocks);
            _pushedSteps++;
            Monitor.PulseAll(_gate);
        }
    }

    /// <inheritdoc/>
    public IReadOnlyList<TableStatistics> GetStatistics()
    {
        lock (_gate)
        {
            FinishPush();
            return Shard.Statistics(Trainers.Ranks[Trainers.Rank]);
        }
    }

    /// <inheritdoc/>
    public void ReadTable(int table, Action<long[], byte[]> chunk)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(table);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(table, Shard.Tables.Length);
        for (long cursor = 0; cursor >= 0;)
        {
            StoredRows rows;
            lock (_gate)
            {
                FinishPush();
                rows = Shard.Scan(table, cursor);
            }

            cursor = rows.Next;
            if (rows.Keys.Length > 0)
            {
                chunk(rows.Keys, rows.Weights);
            }
        }
    }

    /// <inheritdoc/>
    public PendingSave BeginSave(SaveRequest request)
    {
        lock (_gate)
        {
            FinishPush();
            return Trainers.Rank == 0
                ? new FinishedSave(request, Shard.Shapes.Tables, [Shard.Segments.Write(request)])
                : new FinishedSave(request, [], []);
        }
    }

    /// <inheritdoc/>
    public string? Load(LoadRequest request)
    {
        lock (_gate)
        {
            EmptyTables();
            Shard.GoOnFrom(request.Step);
            try
            {
                SegmentReader.Load(request.Checkpoint.Source, Shard.Tables, request.Slots);
                return null;
            }
            catch (DamagedCheckpointException e)
            {
                return e.Message;
            }
        }
    }

    /// <summary>Finishes the last update, which other trainers count on, and frees the tables.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            if (!_disposed)
            {
                _disposed = true;
                FinishPush();
                Free();
                _shard?.Dispose();
            }
        }
    }

    internal bool IsApplied(long step)
    {
        lock (_gate)
        {
            return _pushedSteps >= step;
        }
    }

    internal void WaitFor(long step)
    {
        lock (_gate)
        {
            while (_pushedSteps < step)
            {
                Monitor.Wait(_gate);
            }

            FinishPush();
        }
    }

    internal void CopyRows(long step, int table, ReadOnlySpan<long> keys, nint destination)
    {
        lock (_gate)
        {
            WaitFor(step);
            if (_appliedSteps > step)
            {
                throw new InvalidOperationException($"The rows of a pull for step {step} are read before that step is pushed; {_appliedSteps} steps are.");
            }

            Shard.Tables[table].Read(keys, destination);
        }
    }

    internal void Release(LocalPull pull)
    {
        lock (_gate)
        {
            _freePulls.Push(pull);
        }
    }

    /// <summary>Checks what the strategy asks of tables.</summary>
    private protected virtual void Check(IReadOnlyList<TableOptions> tables)
    {
    }

    /// <summary>Makes the tables, also in the place of those made before.</summary>
    private protected virtual TableShard CreateShard(TableShapes shapes) => new(shapes, 0, 1);

    /// <summary>Starts to exchange the gradients of a step; reads them before it returns.</summary>
    private protected abstract void BeginPush(IReadOnlyList<GradientBlock> blocks);

    /// <summary>Waits for the exchange and updates the tables.</summary>
    /// <param name="step">Steps applied with this one.</param>
    private protected abstract void EndPush(long step);

    /// <summary>Frees what the strategy holds beside the tables.</summary>
    private protected abstract void Free();

    /// <summary>Counts bytes that came from other ranks and bytes that this one gave.</summary>
    private protected void CountTraffic(long pulledBytes, long pushedBytes)
    {
        Traffic = new TrafficCounters(Traffic.PulledBytes + pulledBytes, Traffic.PushedBytes + pushedBytes);
    }

    private protected static LocalPull PullOf(in GradientBlock block) => ((LocalPullTicket)block.Ticket).Pull;

    private void Count(LocalPull pull)
    {
        for (int section = 0; section < pull.Sections; section++)
        {
            foreach (int table in pull.Tables(section))
            {
                Shard.CountPull(table, pull.Keys(section).Length);
            }
        }
    }

    private void EmptyTables()
    {
        if (!Shard.IsEmpty)
        {
            Shard.Dispose();
            _shard = CreateShard(_shapes!);
        }
    }

    private void FinishPush()
    {
        if (_appliedSteps < _pushedSteps)
        {
            EndPush(_pushedSteps);
            _appliedSteps = _pushedSteps;
        }
    }

    private void Check(int index, in GradientBlock block)
    {
        if (block.Ticket is not LocalPullTicket ticket || !ticket.IsOf(this))
        {
            throw new ArgumentException($"Ticket {index} is of another store.");
        }

        var pull = ticket.Pull;
        bool fits = block.Gradients.Length == pull.Sections;
        for (int section = 0; fits && section < pull.Sections; section++)
        {
            fits = block.Gradients[section].Length == pull.Tables(section).Length
                && (pull.Keys(section).IsEmpty || Array.TrueForAll(block.Gradients[section], gradients => gradients != 0));
        }

        if (!fits)
        {
            throw new ArgumentException($"Ticket {index} needs one array of gradients for each table of its {pull.Sections} sections.");
        }
    }

    private void CheckSame(IReadOnlyList<TableOptions> tables)
    {
        byte[] mine = ControlMessage.Serialize(new JobDefinition { Tables = [.. tables], Trainers = [.. Trainers.Ranks], Servers = [], Wire = Wire });
        byte[][] all = Trainers.AllGatherObject(mine);
        int other = Array.FindIndex(all, definition => !definition.AsSpan().SequenceEqual(mine));
        if (other >= 0)
        {
            throw new OpenEmbeddingException(
                $"The tables of rank {Trainers.Ranks[other]}, or how they travel, are not those of rank {Trainers.Ranks[Trainers.Rank]}; every rank needs the same configuration.",
                JobExitCode.Cluster);
        }
    }
}
