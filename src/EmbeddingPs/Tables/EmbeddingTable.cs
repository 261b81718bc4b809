using OpenEmbedding.Collectives;
using OpenEmbedding.EmbeddingPs.Initializers;
using OpenEmbedding.EmbeddingPs.Optimizers;
using OpenEmbedding.EmbeddingPs.Storage;

namespace OpenEmbedding.EmbeddingPs.Tables;

/// <summary>One shard of an embedding table: rows of weights and optimizer slots in native memory.</summary>
/// <remarks>Not thread-safe: a call that adds or updates rows must be the only one; calls that only read may run side by side.</remarks>
public abstract unsafe partial class EmbeddingTable : IDisposable
{
    /// <summary>The largest number of weights in a row.</summary>
    public const int LargestDimension = 4096;

    // Keys are handled in groups of this many: large enough for their waits to overlap, small enough to stay in the nearest cache.
    internal const int Group = 512;

    private protected EmbeddingTable(TableOptions options, int shard, int shards, long rowLimit, long blockBytes)
    {
        Options = options;
        Shard = shard;
        Shards = shards;
        WeightBytes = options.Dimension * ElementBytes(options);
        Initializer = RowInitializer.Create(options.Initializer, options.Seed, options.Name, options.ElementType);
        Optimizer = RowOptimizer.Create(options.Optimizer, options.ElementType);
        RowLimit = rowLimit;
        HasAges = options.Growth is { HasAges: true };
        LastStepOffset = StoredBytes - ElementBytes(options);
        Rows = new RowBlocks(rowLimit, StoredBytes, blockBytes, zeroed: false);
    }

    /// <summary>What defines the table.</summary>
    public TableOptions Options { get; }

    /// <summary>Which part of the table this is, in [0, <see cref="Shards"/>).</summary>
    public int Shard { get; }

    /// <summary>How many parts the table has.</summary>
    public int Shards { get; }

    /// <summary>Steps applied with the one that updates are of; it is said before they come.</summary>
    internal long Step { get; set; }

    /// <summary>Keys are below this, in any shard.</summary>
    internal ulong KeyLimit => Options.Kind == TableKind.Array ? (ulong)Options.Vocabulary : 1UL << 63;

    /// <summary>Whether new rows get their weights from a file at once, so that initial ones would be wasted.</summary>
    internal bool IsLoading { get; set; }

    /// <summary>Stored rows.</summary>
    public long RowCount { get; private protected set; }

    /// <summary>Bytes of native memory that hold the rows and find them.</summary>
    public abstract long MemoryBytes { get; }

    /// <summary>Row numbers are below this.</summary>
    private protected long RowLimit { get; }

    /// <summary>The rows: weights, then slots.</summary>
    private protected RowBlocks Rows { get; }

    private protected RowInitializer Initializer { get; }

    private protected RowOptimizer Optimizer { get; }

    /// <summary>Bytes of a row's weights.</summary>
    private protected int WeightBytes { get; }

    /// <summary>Makes the part of a table that belongs to <paramref name="shard"/> of <paramref name="shards"/>; an option out of its range is an error.</summary>
    public static EmbeddingTable Create(TableOptions options, int shard, int shards) => Create(options, shard, shards, null);

    /// <summary>As the other; with <paramref name="storage"/> the table keeps so many rows in memory and the others in files.</summary>
    internal static EmbeddingTable Create(TableOptions options, int shard, int shards, TableStorage? storage)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(shards, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(shard);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(shard, shards);
        Check(options);
        if (storage is not null)
        {
            if (options.Growth is not null)
            {
                throw new OpenEmbeddingException(
                    $"Table {options.Name}: growth is bounded in memory only, and the table has rows in files.", JobExitCode.Configuration);
            }

            return new TieredTable(options, shard, shards, storage);
        }

        return options.Kind == TableKind.Array ? new ArrayTable(options, shard, shards) : new HashTable(options, shard, shards);
    }

    /// <summary>Finds the rows of keys of this shard, and gives new rows their initial weights and slots.</summary>
    /// <param name="keys">Global keys, all of this shard; repeats are allowed. A key out of range is an error.</param>
    /// <param name="rows">Receives a row handle for each key, valid until it is released.</param>
    public abstract void FindOrAdd(ReadOnlySpan<long> keys, Span<long> rows);

    /// <summary>Ends the use of row handles that <see cref="FindOrAdd"/> gave, each as often as it gave it; the rows may leave memory then.</summary>
    public virtual void Release(ReadOnlySpan<long> rows)
    {
    }

    /// <summary>Finds the rows of keys of this shard that are in memory; −1 where there is none.</summary>
    public abstract void Find(ReadOnlySpan<long> keys, Span<long> rows);

    /// <summary>Whether a key below <see cref="KeyLimit"/> belongs to this shard.</summary>
    internal bool Owns(long key) => Sharding.ShardOf(Options.Kind, key, Shards) == Shard;

    /// <summary>Walks the stored rows, in no particular order; rows must not be added meanwhile.</summary>
    /// <param name="cursor">0 at first, then what the last call returned.</param>
    /// <param name="keys">Receives keys; its length is the most rows one call gives, at least 1.</param>
    /// <param name="weights">Receives weights, room for [keys, Dimension].</param>
    /// <param name="count">How many rows were given.</param>
    /// <returns>The next cursor, −1 at the end.</returns>
    public abstract long Scan(long cursor, Span<long> keys, nint weights, out int count);

    /// <summary>Copies the weights of rows to <paramref name="destination"/>, [rows, Dimension] of the table's element type.</summary>
    public void Gather(ReadOnlySpan<long> rows, nint destination)
    {
        var addresses = Rows.Addresses;
        int bytes = WeightBytes;
        int distance = Prefetch.Distance(bytes);
        byte* next = (byte*)destination;
        int ahead = Math.Min(distance, rows.Length);
        for (int i = 0; i < ahead; i++)
        {
            Prefetch.Row(addresses.Of(rows[i]), bytes);
        }

        var later = rows[ahead..];
        for (int i = 0; i < later.Length; i++)
        {
            // First where the row's block is, which is as far away in a large table, then the row.
            if (i + distance < later.Length)
            {
                addresses.Ask(later[i + distance]);
            }

            Prefetch.Row(addresses.Of(later[i]), bytes);
            RowCopy.Copy((byte*)addresses.Of(rows[i]), next, bytes);
            next += bytes;
        }

        foreach (long row in rows[later.Length..])
        {
            RowCopy.Copy((byte*)addresses.Of(row), next, bytes);
            next += bytes;
        }
    }

    /// <summary>Copies the weights of keys to <paramref name="destination"/>, [keys, Dimension]; a key without a row reads as its initial value and nothing is stored.</summary>
    public virtual void Read(ReadOnlySpan<long> keys, nint destination)
    {
        Span<long> rows = stackalloc long[Group];
        var addresses = Rows.Addresses;
        for (int start = 0; start < keys.Length; start += Group)
        {
            var group = keys.Slice(start, Math.Min(Group, keys.Length - start));
            Find(group, rows);
            for (int i = 0; i < group.Length; i++)
            {
                if (rows[i] >= 0)
                {
                    Prefetch.Row(addresses.Of(rows[i]), WeightBytes);
                }
            }

            for (int i = 0; i < group.Length; i++)
            {
                if (rows[i] < 0)
                {
                    Initializer.Fill(group[i], destination, Options.Dimension);
                }
                else
                {
                    RowCopy.Copy((byte*)addresses.Of(rows[i]), (byte*)destination, WeightBytes);
                }

                destination += WeightBytes;
            }
        }
    }

    /// <summary>Updates each row once with its gradient; adds 2 · L2 · w to the gradient.</summary>
    /// <param name="rows">Row handles, each at most once.</param>
    /// <param name="gradients">[rows, Dimension] of the table's element type.</param>
    public void Apply(ReadOnlySpan<long> rows, nint gradients)
    {
        nint* addresses = stackalloc nint[Group];
        for (int start = 0; start < rows.Length; start += Group)
        {
            var group = rows.Slice(start, Math.Min(Group, rows.Length - start));
            for (int i = 0; i < group.Length; i++)
            {
                addresses[i] = gradients;
                gradients += WeightBytes;
            }

            Apply(group, new ReadOnlySpan<nint>(addresses, group.Length));
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Rows.Dispose();
        _changes?.Dispose();
        Free();
        RowCount = 0;
        GC.SuppressFinalize(this);
    }

    /// <summary>Updates each row once with its gradient, wherever that is.</summary>
    /// <param name="rows">Row handles, each at most once.</param>
    /// <param name="gradients">The address of the gradient of each row.</param>
    internal void Apply(ReadOnlySpan<long> rows, ReadOnlySpan<nint> gradients)
    {
        BeforeChange(rows);
        var shaping = new GradientShaping(Options.L2, Options.ClipValue, Options.ClipNorm);
        if (Options.Schedule is { } schedule)
        {
            Optimizer.RateFactor = schedule.FactorAt(Now - 1);
        }

        nint* addresses = stackalloc nint[Group];
        for (int start = 0; start < rows.Length; start += Group)
        {
            var group = rows.Slice(start, Math.Min(Group, rows.Length - start));
            Locate(group, addresses);
            Optimizer.UpdateRows(
                new ReadOnlySpan<nint>(addresses, group.Length), gradients.Slice(start, group.Length), Options.Dimension, shaping);
            if (HasAges)
            {
                Stamp(new ReadOnlySpan<nint>(addresses, group.Length));
            }
        }
    }

    /// <summary>Makes an empty table ready for a number of rows. Needed before rows come in the order of <see cref="Scan"/>, which would fill a growing index from one end, at quadratic cost.</summary>
    internal virtual void Reserve(long rows) => Rows.Reserve(Math.Min(rows, RowLimit));

    /// <summary>Frees the native memory that finds the rows.</summary>
    private protected abstract void Free();

    /// <summary>The addresses of the weights of many rows.</summary>
    private protected void Locate(ReadOnlySpan<long> rows, nint* addresses)
    {
        var all = Rows.Addresses;
        for (int i = 0; i < rows.Length; i++)
        {
            addresses[i] = all.Of(rows[i]);
        }
    }

    private protected void InitializeRow(long key, nint weights)
    {
        if (!IsLoading)
        {
            Initializer.Fill(key, weights, Options.Dimension);
        }

        Optimizer.InitializeSlots(weights + WeightBytes, Options.Dimension);
        if (HasAges)
        {
            Stamp([weights]);
        }
    }

    private static int ElementBytes(TableOptions options) => options.ElementType == ElementType.Float32 ? sizeof(float) : sizeof(double);

    private static void Check(TableOptions options)
    {
        string? wrong = options switch
        {
            { ElementType: not (ElementType.Float32 or ElementType.Float64) } => $"element type must be Float32 or Float64, not {options.ElementType}",
            { Dimension: < 1 or > LargestDimension } => $"dimension must be 1 to {LargestDimension}, not {options.Dimension}",
            { Kind: TableKind.Array, Vocabulary: < 1 or > ArrayTable.LargestVocabulary } =>
                $"the vocabulary of an array table must be 1 to {ArrayTable.LargestVocabulary}, not {options.Vocabulary}; a hash table takes any key",
            { Growth: not null, Kind: not TableKind.Hash } => "the growth of an array table is not bounded; its vocabulary is",
            { Growth: { } growth } when growth.FindProblem() is { } problem => problem,
            _ when !(options.L2 >= 0 && double.IsFinite(options.L2)) => $"l2 must be at least 0, not {options.L2}",
            _ => null,
        };
        if (wrong is not null)
        {
            throw new OpenEmbeddingException($"Table {options.Name}: {wrong}.", JobExitCode.Configuration);
        }
    }
}
