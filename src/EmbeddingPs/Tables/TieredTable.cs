using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using OpenEmbedding.Collectives;
using OpenEmbedding.EmbeddingPs.Storage;

namespace OpenEmbedding.EmbeddingPs.Tables;

/// <summary>A table whose rows are in memory while they are used and in a <see cref="RowLog"/> otherwise; row handles are numbers of frames.</summary>
/// <remarks>
/// The index holds every key with its location:
/// <code>
///   31  30            0
///   [0][ slot of log  ]      the row is in the log
///   [1][ frame        ]      the row is in memory
/// </code>
/// A row that a pull under way names stays in memory; if those alone are more than the table's share, it takes more memory.
/// </remarks>
internal sealed unsafe partial class TieredTable : EmbeddingTable, IRowOwner
{
    private const long FrameBit = 1L << 31;
    private const long LargestBlock = 1 << 20;
    private const long SmallestBlock = 16 << 10;

    // The index takes as much for a row; smaller ones gain nothing.
    private const int LargestSmallRow = 16;

    private readonly KeyIndex _index = new();
    private readonly RowFrames _frames = new(FrameBit);
    private readonly RowLog _log;
    private readonly List<RowRead> _reads = [];
    private long _capacity;
    private nint _scratch;
    private long _scratchBytes;

    public TieredTable(TableOptions options, int shard, int shards, TableStorage storage)
        : base(options, shard, shards, FrameBit, Math.Clamp(storage.Rows * FrameBytes(options) / 16, SmallestBlock, LargestBlock))
    {
        _capacity = storage.Rows;
        string file = $"{Uri.EscapeDataString(options.Name)}.server-{shard}-of-{shards}";
        _log = new RowLog(Path.Combine(Path.GetFullPath(storage.Path), file), options.Name, StoredBytes, storage.Rows * StoredBytes);
    }

    public override long MemoryBytes => Rows.Bytes + _frames.Bytes + _index.Bytes + _log.MemoryBytes + ChangeBytes;

    /// <summary>The files of the table.</summary>
    public RowLog Log => _log;

    /// <summary>Whether a table of such rows is worth files of its own.</summary>
    public static bool IsWorthwhile(TableOptions options) => RowBytes(options) > LargestSmallRow;

    /// <summary>Bytes of memory for a row in it, the index apart.</summary>
    public static int FrameBytes(TableOptions options) => RowBytes(options) + sizeof(RowFrame);

    internal override void Reserve(long rows) => _index.Reserve(rows);

    public override void FindOrAdd(ReadOnlySpan<long> keys, Span<long> rows)
    {
        // Here, because the trainers compute now and nobody waits for this pull yet.
        _log.Tidy(this);
        bool all = true;
        for (int start = 0; start < keys.Length; start += Group)
        {
            int count = Math.Min(Group, keys.Length - start);
            all &= PinGroup(keys.Slice(start, count), rows.Slice(start, count));
        }

        if (all)
        {
            return;
        }

        _reads.Clear();
        for (int i = 0; i < keys.Length; i++)
        {
            if (rows[i] < 0)
            {
                rows[i] = BringIn(keys[i]);
            }
        }

        _log.Read(CollectionsMarshal.AsSpan(_reads));
    }

    public override void Release(ReadOnlySpan<long> rows)
    {
        foreach (long row in rows)
        {
            _frames.Of(row).Pins--;
        }
    }

    public override void Find(ReadOnlySpan<long> keys, Span<long> rows)
    {
        for (int i = 0; i < keys.Length; i++)
        {
            long location = Locate(keys[i]);
            rows[i] = location >= FrameBit ? location - FrameBit : -1;
        }
    }

    public override void Read(ReadOnlySpan<long> keys, nint destination)
    {
        for (int start = 0; start < keys.Length; start += Group)
        {
            ReadGroup(keys.Slice(start, Math.Min(Group, keys.Length - start)), destination);
            destination += Group * WeightBytes;
        }
    }

    public override long Scan(long cursor, Span<long> keys, nint weights, out int count)
    {
        count = NextKeys(ref cursor, keys);
        Read(keys[..count], weights);
        return cursor < _index.Places ? cursor : -1;
    }

    void IRowOwner.Moved(long key, uint slot, uint to)
    {
        long location = Locate(key);
        if (location >= FrameBit)
        {
            _frames.Of(location - FrameBit).Slot = to;
        }
        else
        {
            _index.Set(key, to);
        }
    }

    private protected override void BeforeChange(ReadOnlySpan<long> rows)
    {
        base.BeforeChange(rows);
        foreach (long row in rows)
        {
            ref var frame = ref _frames.Of(row);
            frame.Step = (uint)Step;
            if (!_frames.Changed.Contains(row))
            {
                _frames.Changed.Add(row);
                _log.Drop(frame.Slot);
            }
        }
    }

    private protected override bool Forget(long key, long row) => throw new NotSupportedException("The rows of a tiered table stay.");

    private protected override void Free()
    {
        _index.Dispose();
        _frames.Dispose();
        _log.Dispose();
        NativeMemory.AlignedFree((void*)_scratch);
        _scratch = 0;
    }

    private static int RowBytes(TableOptions options)
    {
        int weights = options.Dimension * (options.ElementType == ElementType.Float32 ? sizeof(float) : sizeof(double));
        return checked((int)(weights + Optimizers.RowOptimizer.Create(options.Optimizer, options.ElementType).SlotBytes(options.Dimension)));
    }

    /// <returns>Whether every row was in memory.</returns>
    private bool PinGroup(ReadOnlySpan<long> keys, Span<long> rows)
    {
        nint* homes = stackalloc nint[Group];
        for (int i = 0; i < keys.Length; i++)
        {
            CheckKey(keys[i]);
            homes[i] = _index.HomeOf(keys[i]);
            Prefetch.Line(homes[i]);
        }

        for (int i = 0; i < keys.Length; i++)
        {
            long location = _index.Find(keys[i], homes[i]);
            rows[i] = location >= FrameBit ? location - FrameBit : -1;
            if (rows[i] >= 0)
            {
                _frames.Ask(rows[i]);
            }
        }

        bool all = true;
        foreach (long row in rows)
        {
            if (row >= 0)
            {
                _frames.Pin(row);
            }
            else
            {
                all = false;
            }
        }

        return all;
    }

    /// <summary>The pinned frame of a key that was in the log, or nowhere.</summary>
    private long BringIn(long key)
    {
        // It may have come earlier in the same call.
        long location = Locate(key);
        if (location >= FrameBit)
        {
            _frames.Pin(location - FrameBit);
            return location - FrameBit;
        }

        if (location < 0 && RowCount >= RowLog.MostSlots)
        {
            throw new OpenEmbeddingException($"Table {Options.Name}: shard {Shard} of {Shards} is full with {RowCount} rows; more servers hold more.");
        }

        long row = TakeFrame();
        ref var frame = ref _frames.Of(row);
        nint address = Rows.Addresses.Of(row);
        frame = new RowFrame { Key = key, Pins = 1, Step = (uint)Step, Slot = (uint)Math.Max(0, location) };
        if (location < 0)
        {
            InitializeRow(key, address);
            RowCount++;
            _frames.Changed.Add(row);
            AfterAdd(row);
        }
        else
        {
            _reads.Add(new RowRead((uint)location, key, address));
        }

        _index.Set(key, row + FrameBit);
        return row;
    }

    private long TakeFrame()
    {
        if (_frames.Count >= _capacity)
        {
            long victim = _frames.FindVictim();
            if (victim >= 0)
            {
                Evict(victim);
                return victim;
            }

            // By a part, so that the clock need not go round in vain for every row.
            _capacity += Math.Max(1, _capacity / 16);
        }

        long row = _frames.Add();
        Rows.Add(Rows.BlockOf(row));
        return row;
    }

    private void Evict(long row)
    {
        CaptureNow([row]);
        ref var frame = ref _frames.Of(row);
        uint slot = _frames.Changed.Remove(row) ? _log.Append(frame.Key, frame.Step, Rows.Addresses.Of(row)) : frame.Slot;
        _index.Set(frame.Key, slot);
    }

    private void ReadGroup(ReadOnlySpan<long> keys, nint destination)
    {
        nint* stored = stackalloc nint[Group];
        ReadStored(keys, stored);
        for (int i = 0; i < keys.Length; i++)
        {
            if (stored[i] == 0)
            {
                Initializer.Fill(keys[i], destination, Options.Dimension);
            }
            else
            {
                RowCopy.Copy((byte*)stored[i], (byte*)destination, WeightBytes);
            }

            destination += WeightBytes;
        }
    }

    /// <summary>Finds rows without bringing them into the cache.</summary>
    /// <param name="keys">At most a group.</param>
    /// <param name="stored">Receives where each row is until the next such call, 0 if there is none.</param>
    private void ReadStored(ReadOnlySpan<long> keys, nint* stored)
    {
        _reads.Clear();
        if (_scratchBytes < (long)Group * StoredBytes)
        {
            _scratchBytes = (long)Group * StoredBytes;
            _scratch = (nint)NativeMemory.AlignedAlloc((nuint)_scratchBytes, 64);
        }

        for (int i = 0; i < keys.Length; i++)
        {
            CheckKey(keys[i]);
            long location = Locate(keys[i]);
            stored[i] = location < 0 ? 0 : location >= FrameBit ? Rows.Addresses.Of(location - FrameBit) : _scratch + (i * StoredBytes);
            if (location is >= 0 and < FrameBit)
            {
                _reads.Add(new RowRead((uint)location, keys[i], stored[i]));
            }
        }

        _log.Read(CollectionsMarshal.AsSpan(_reads));
    }

    private int NextKeys(ref long place, Span<long> keys)
    {
        int count = 0;
        for (; place < _index.Places && count < keys.Length; place++)
        {
            long key = _index.KeyAt(place).Key;
            if (key >= 0)
            {
                keys[count++] = key;
            }
        }

        return count;
    }

    private long Locate(long key) => _index.Find(key, _index.HomeOf(key));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void CheckKey(long key)
    {
        if (key < 0 || (Options.Kind == TableKind.Array && (key >= Options.Vocabulary || (Shards > 1 && key % Shards != Shard))))
        {
            ThrowOutOfRange(key);
        }
    }

    private void ThrowOutOfRange(long key)
    {
        string problem = Options.Kind == TableKind.Array && (ulong)key < (ulong)Options.Vocabulary
            ? $"key {key} belongs to shard {key % Shards}, not to shard {Shard} of {Shards}"
            : $"key {key} is out of range; allowed are 0 to {(Options.Kind == TableKind.Array ? Options.Vocabulary - 1 : long.MaxValue)}";
        throw new OpenEmbeddingException($"Table {Options.Name}: {problem}.", JobExitCode.Data);
    }
}
