using OpenEmbedding.Collectives;
using OpenEmbedding.EmbeddingPs.Checkpoints;
using OpenEmbedding.EmbeddingPs.Client;
using OpenEmbedding.EmbeddingPs.Protocol;
using OpenEmbedding.EmbeddingPs.Storage;
using OpenEmbedding.EmbeddingPs.Tables;

namespace OpenEmbedding.EmbeddingPs.Server;

/// <summary>One shard of every table of a job, with the sums of the gradients of a step and the count of what was asked.</summary>
/// <remarks>Not thread-safe.</remarks>
internal sealed unsafe class TableShard : IDisposable
{
    private const int ScanBytes = 4 << 20;

    // Below this other threads would come too late to help.
    private const int FewestRows = 8192;

    private readonly GradientAccumulator[] _accumulators;
    private readonly Counters[] _counters;

    // By table; null where nothing bounds its growth.
    private readonly HashTable?[] _growing;

    // By table, what the step at hand adds to it.
    private readonly List<Contribution>[] _contributions;

    // Gradients that travelled in another type than the table's, as its accumulator takes them: by table one buffer for each contribution.
    private readonly List<WideGradients>[] _wide;
    private readonly WorkerTeam _team;
    private readonly Action<int> _findBlock;
    private readonly Action<int> _gatherBlock;
    private readonly Action<int> _applyTo;

    // What the team works on.
    private ResolvedPull? _pull;
    private byte* _destination;

    public TableShard(TableShapes shapes, int shard, int shards, StorageOptions? storage = null, int threads = 1)
    {
        Shapes = shapes;
        var shares = CacheShares.Deal(storage, shapes.Tables, shards);
        Tables = [.. shapes.Tables.Select((table, i) => EmbeddingTable.Create(table, shard, shards, shares[i]))];
        _growing = [.. Tables.Select(table => table.Options.Growth is null ? null : (HashTable)table)];
        _accumulators = [.. Tables.Select(table => new GradientAccumulator(table))];
        _counters = new Counters[Tables.Length];
        _contributions = [.. Tables.Select(_ => new List<Contribution>())];
        _wide = [.. Tables.Select(_ => new List<WideGradients>())];
        Segments = new SegmentChain(shard, shards, Tables);

        // Tables whose growth is bounded look their rows up anew in buffers that the blocks of a pull share.
        _team = new WorkerTeam(Array.TrueForAll(_growing, table => table is null) ? threads : 1, "tables");
        _findBlock = block => _pull!.Find(block, Tables[_pull.Table(block)]);
        _gatherBlock = GatherBlock;
        _applyTo = ApplyTo;
    }

    /// <summary>The tables' shapes.</summary>
    public TableShapes Shapes { get; }

    /// <summary>Whether no table has rows.</summary>
    public bool IsEmpty => Array.TrueForAll(Tables, table => table.RowCount == 0);

    /// <summary>This shard of each table.</summary>
    public EmbeddingTable[] Tables { get; }

    /// <summary>The files that were written of the tables.</summary>
    public SegmentChain Segments { get; }

    /// <summary>The tables whose growth is bounded, null in the place of every other: their keys get rows when they are trained, not when they are pulled.</summary>
    public IReadOnlyList<HashTable?> Growing => _growing;

    /// <summary>Says how many steps were trained before the first one of this job.</summary>
    public void GoOnFrom(long step) => Array.ForEach(Tables, table => table.StepsBefore = step);

    /// <summary>Finds the rows of all keys of a pull; new keys get rows.</summary>
    /// <param name="pull">Takes the rows.</param>
    /// <param name="directory">What is asked for; its keys must stay until this returns.</param>
    public void Find(ResolvedPull pull, in SectionDirectory directory)
    {
        pull.Lay(directory, Shapes);
        InBlocks(pull, _findBlock);
    }

    /// <summary>Copies the rows of a pull as they travel, block after block.</summary>
    public void Gather(ResolvedPull pull, byte* destination)
    {
        _destination = destination;
        InBlocks(pull, _gatherBlock);
    }

    /// <summary>The bytes that <see cref="Read"/> writes.</summary>
    public long RowBytes(in SectionDirectory directory)
    {
        long bytes = 0;
        int block = 0;
        for (int section = 0; section < directory.Sections; section++)
        {
            for (int i = 0; i < directory.Tables(section); i++)
            {
                bytes += Shapes.RowBlockBytes(directory.AllTables[block++], directory.Keys(section));
            }
        }

        return bytes;
    }

    /// <summary>Copies the rows of keys as they travel, block after block, and stores nothing.</summary>
    public void Read(in SectionDirectory directory, byte* destination)
    {
        long* keys = directory.FirstKey;
        int block = 0;
        for (int section = 0; section < directory.Sections; section++)
        {
            int count = directory.Keys(section);
            for (int i = 0; i < directory.Tables(section); i++)
            {
                int table = directory.AllTables[block++];
                Tables[table].Read(new ReadOnlySpan<long>(keys, count), (nint)destination, Shapes.RowFormat(table));
                destination += Shapes.RowBlockBytes(table, count);
                CountPull(table, count);
            }

            keys += count;
        }
    }

    /// <summary>Counts keys that are read without the shard's help.</summary>
    public void CountPull(int table, int keys)
    {
        _counters[table].Pulls++;
        _counters[table].KeysPulled += keys;
    }

    /// <summary>Counts gradients that are applied without the shard's help.</summary>
    public void CountPush(int table, int keys)
    {
        _counters[table].Pushes++;
        _counters[table].KeysPushed += keys;
    }

    /// <summary>Notes the gradients of a pull for the step at hand; they and the pull must stay until <see cref="Apply"/>.</summary>
    /// <param name="pull">The rows.</param>
    /// <param name="gradients">Block after block, as they travel.</param>
    public void Add(ResolvedPull pull, byte* gradients)
    {
        for (int block = 0; block < pull.Blocks; block++)
        {
            int table = pull.Table(block);
            int keys = pull.Rows(block).Length;
            if (keys > 0)
            {
                _contributions[table].Add(new Contribution(pull, block, (nint)gradients));
                CountPush(table, keys);
            }

            gradients += Shapes.GradientBlockBytes(table, keys);
        }
    }

    /// <summary>Ends the use of the rows of a pull.</summary>
    public void Release(ResolvedPull pull)
    {
        for (int block = 0; block < pull.Blocks; block++)
        {
            Tables[pull.Table(block)].Release(pull.Rows(block));
        }
    }

    /// <summary>Sums what was added, in that order, and updates each row once.</summary>
    /// <param name="step">Steps applied with this one.</param>
    public void Apply(long step)
    {
        long rows = 0;
        for (int table = 0; table < Tables.Length; table++)
        {
            Tables[table].Step = step;
            foreach (var contribution in _contributions[table])
            {
                rows += contribution.Pull.Rows(contribution.Block).Length;
            }
        }

        // Table by table, so that the sums of one are still in the cache when they are applied.
        Work(Tables.Length, rows, _applyTo);
    }

    /// <summary>What this shard holds and was asked, by table.</summary>
    public TableStatistics[] Statistics(int rank)
    {
        var statistics = new TableStatistics[Tables.Length];
        for (int table = 0; table < statistics.Length; table++)
        {
            statistics[table] = new TableStatistics
            {
                Table = table,
                Name = Tables[table].Options.Name,
                ServerRank = rank,
                Rows = Tables[table].RowCount,
                MemoryBytes = Tables[table].MemoryBytes,
                Pulls = _counters[table].Pulls,
                KeysPulled = _counters[table].KeysPulled,
                Pushes = _counters[table].Pushes,
                KeysPushed = _counters[table].KeysPushed,
                RowsAdmitted = Tables[table].RowsAdmitted,
                RowsEvicted = Tables[table].RowsEvicted,
                Candidates = Tables[table].CandidateCount,
            };
        }

        return statistics;
    }

    /// <summary>Some stored rows of a table.</summary>
    /// <param name="table">The table.</param>
    /// <param name="cursor">0, or where the call before says to go on.</param>
    public StoredRows Scan(int table, long cursor)
    {
        int rowBytes = Shapes.RowBytes(table);
        long[] keys = new long[Math.Max(1, ScanBytes / rowBytes)];
        byte[] weights = new byte[keys.Length * rowBytes];
        long next;
        int count;
        fixed (byte* pointer = weights) // in place while the table copies into it
        {
            next = Tables[table].Scan(cursor, keys, (nint)pointer, out count);
        }

        Array.Resize(ref keys, count);
        Array.Resize(ref weights, count * rowBytes);
        return new StoredRows { Next = next, Keys = keys, Weights = weights };
    }

    /// <summary>Frees tables and sums.</summary>
    public void Dispose()
    {
        _team.Dispose();
        Array.ForEach(_accumulators, accumulator => accumulator.Dispose());
        Array.ForEach(Tables, table => table.Dispose());
        Array.ForEach(_wide, buffers => buffers.ForEach(wide => wide.Dispose()));
    }

    /// <summary>Works on the blocks of a pull, on several threads where no table has two of them.</summary>
    private void InBlocks(ResolvedPull pull, Action<int> work)
    {
        _pull = pull;
        Work(pull.Blocks, pull.HasTablesOnce ? pull.RowCount : 0, work);
        _pull = null;
    }

    /// <summary>Works on pieces of different tables; a table has one thread at a time, so that the result does not depend on their number.</summary>
    private void Work(int pieces, long rows, Action<int> work)
    {
        if (rows >= FewestRows)
        {
            _team.Do(pieces, work);
            return;
        }

        for (int piece = 0; piece < pieces; piece++)
        {
            work(piece);
        }
    }

    private void GatherBlock(int block)
    {
        var pull = _pull!;
        int table = pull.Table(block);
        var rows = pull.Rows(block);
        nint destination = (nint)(_destination + pull.Place(block));
        if (_growing[table] is { } growing)
        {
            pull.FindAgain(block, growing);
            growing.Gather(pull.Keys(block), rows, destination, Shapes.RowFormat(table));
        }
        else
        {
            Tables[table].Gather(rows, destination, Shapes.RowFormat(table));
        }

        CountPull(table, rows.Length);
    }

    private void ApplyTo(int table)
    {
        var contributions = _contributions[table];
        if (contributions.Count > 0)
        {
            var accumulator = _accumulators[table];
            for (int i = 0; i < contributions.Count; i++)
            {
                AddTo(accumulator, table, contributions[i], i);
            }

            accumulator.Apply();
            contributions.Clear();
        }

        _growing[table]?.EndStep();
    }

    private void AddTo(GradientAccumulator accumulator, int table, in Contribution contribution, int index)
    {
        var (pull, block, gradients) = contribution;
        if (_growing[table] is { } growing)
        {
            pull.Admit(block, growing);
        }

        var rows = pull.Rows(block);
        var format = Shapes.GradientFormat(table);
        accumulator.Add(rows, format.Converts ? Widen(table, index, gradients, Shapes.Numbers(table, rows.Length)) : gradients);
    }

    private nint Widen(int table, int contribution, nint gradients, long count)
    {
        var wide = _wide[table];
        if (contribution == wide.Count)
        {
            wide.Add(new WideGradients());
        }

        return wide[contribution].Read(gradients, count, Shapes.GradientFormat(table));
    }

    private readonly record struct Contribution(ResolvedPull Pull, int Block, nint Gradients);

    private struct Counters
    {
        public long Pulls;
        public long KeysPulled;
        public long Pushes;
        public long KeysPushed;
    }
}
