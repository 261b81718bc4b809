using System.IO.Hashing;
using System.Numerics;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using OpenEmbedding.Collectives;

namespace OpenEmbedding.EmbeddingPs.Storage;

/// <summary>Who holds the rows of a log.</summary>
internal interface IRowOwner
{
    /// <summary>Hears how many rows will be found.</summary>
    void Expect(long rows);

    /// <summary>Hears of rows that were found, none of which it has.</summary>
    /// <param name="keys">Their keys, at most a group.</param>
    /// <param name="slots">The slot of each.</param>
    void Found(ReadOnlySpan<long> keys, ReadOnlySpan<uint> slots);

    /// <summary>The row of a key has moved within the log.</summary>
    void Moved(long key, uint slot, uint to);
}

/// <summary>Rows in a file, written out of place: a changed row goes to a new slot, and a segment whose rows have all gone is written anew.</summary>
/// <remarks>
/// <code>
/// .rows:  [segment 0: row, check, row, check …][segment 1]…    a segment is a multiple of 4096 bytes
/// .slots: [segment 0: header, header …][segment 1]…            a header is key (8 bytes), step (4), 0 (4)
/// </code>
/// Headers lie together, so that the keys of a log are found without its rows. The segment at hand is in memory and written when it is
/// full; the system writes it to the disk behind. Not thread-safe.
/// </remarks>
internal sealed unsafe partial class RowLog : IDisposable
{
    /// <summary>Slots are below this.</summary>
    public const long MostSlots = 1L << 31;

    private const int HeaderBytes = 16;
    private const int CheckBytes = sizeof(uint);
    private const int PageBytes = 4096;
    private const int LargestSegment = 1 << 20;
    private const int SmallestSegment = 64 << 10;

    // A log of which fewer slots hold a row as it is gets its emptiest segments emptied.
    private const double LeastUse = 0.6;

    // What is emptied at once, beside the segments begun since the last time: emptying as many frees at least one for each. A log
    // that could not be tidied while it was read catches up little by little.
    private const int LeastMoves = 2;
    private const int MovesPerSegment = 4;

    private readonly string _name;
    private readonly string _prefix;
    private readonly int _rowBytes;
    private readonly int _stride;
    private readonly List<Segment> _segments = [];
    private readonly Stack<int> _free = new();
    private readonly SafeFileHandle _rowFile;
    private readonly SafeFileHandle _slotFile;
    private int _shift;
    private byte* _buffer;
    private int _open = -1;
    private long _live;
    private int _begun;
    private bool _isBegun;

    /// <summary>Opens the files of a table, which nobody else may have open; what they hold stays until the first row is added.</summary>
    /// <param name="prefix">The path of the files without their ends.</param>
    /// <param name="name">The table's name, for messages.</param>
    /// <param name="rowBytes">Bytes of a row.</param>
    /// <param name="cacheBytes">Bytes of the rows in memory; segments are small beside them.</param>
    public RowLog(string prefix, string name, int rowBytes, long cacheBytes)
    {
        _name = name;
        _prefix = prefix;
        _rowBytes = rowBytes;
        _stride = rowBytes + CheckBytes;
        long bytes = Math.Clamp(cacheBytes / 16, SmallestSegment, LargestSegment);
        Shape(BitOperations.Log2((ulong)Math.Max(1, bytes / _stride)));
        _rowFile = Open(".rows");
        try
        {
            _slotFile = Open(".slots");
        }
        catch
        {
            _rowFile.Dispose();
            NativeMemory.AlignedFree(_buffer);
            throw;
        }
    }

    /// <summary>Bytes of native memory.</summary>
    public long MemoryBytes => BufferBytes + (_segments.Count * Segment.BytesOf(SlotsPerSegment));

    /// <summary>Bytes of the files.</summary>
    public long FileBytes => _segments.Count * (SegmentBytes + (SlotsPerSegment * HeaderBytes));

    /// <summary>Rows read.</summary>
    public long RowsRead { get; private set; }

    /// <summary>Rows written, those that moved included.</summary>
    public long RowsWritten { get; private set; }

    private long SlotsPerSegment => 1L << _shift;

    private long SegmentBytes => ((SlotsPerSegment * _stride) + PageBytes - 1) & -PageBytes;

    private long BufferBytes => SegmentBytes + (SlotsPerSegment * HeaderBytes);

    private byte* Headers => _buffer + SegmentBytes;

    /// <summary>Adds a row, and gives its slot.</summary>
    public uint Append(long key, uint step, nint row)
    {
        if (_open < 0)
        {
            OpenSegment();
        }

        var segment = _segments[_open];
        int place = segment.Count++;
        segment.Hold(place);
        _live++;
        RowsWritten++;
        byte* to = _buffer + ((long)place * _stride);
        Buffer.MemoryCopy((void*)row, to, _rowBytes, _rowBytes);
        *(uint*)(to + _rowBytes) = CheckOf(row, key);
        byte* header = Headers + ((long)place * HeaderBytes);
        *(long*)header = key;
        *(uint*)(header + sizeof(long)) = step;
        *(uint*)(header + sizeof(long) + sizeof(uint)) = 0;
        uint slot = SlotOf(_open, place);
        if (segment.Count == SlotsPerSegment)
        {
            Close();
        }

        return slot;
    }

    /// <summary>The row of a slot is elsewhere now.</summary>
    public void Drop(uint slot)
    {
        int number = (int)(slot >> _shift);
        _segments[number].Drop(PlaceOf(slot));
        _live--;
        FreeIfEmpty(number);
    }

    /// <summary>Empties some of the segments with few rows, unless enough slots hold one.</summary>
    public void Tidy(IRowOwner owner)
    {
        int left = LeastMoves + (MovesPerSegment * _begun);
        while (left-- > 0 && _live < LeastUse * (_segments.Count - _free.Count - 2) * SlotsPerSegment && FindEmptiest() is int number and >= 0)
        {
            MoveRows(number, owner);
        }

        _begun = 0;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        bool keep = _isBegun ? _checkpoints.Count > 0 : FindCheckpoints().Length > 0;
        _rowFile.Dispose();
        _slotFile.Dispose();
        NativeMemory.AlignedFree(_buffer);
        _buffer = null;
        if (!keep)
        {
            File.Delete(_prefix + ".rows");
            File.Delete(_prefix + ".slots");
        }
    }

    private uint CheckOf(nint row, long key) => (uint)XxHash3.HashToUInt64(new ReadOnlySpan<byte>((void*)row, _rowBytes), key);

    private void Shape(int shift)
    {
        _shift = shift;
        NativeMemory.AlignedFree(_buffer);
        _buffer = (byte*)NativeMemory.AlignedAlloc((nuint)BufferBytes, PageBytes);
        NativeMemory.Clear(_buffer, (nuint)BufferBytes);
    }

    private void OpenSegment()
    {
        if (!_isBegun)
        {
            Begin();
        }

        if (!_free.TryPop(out _open))
        {
            _open = _segments.Count;
            if ((_open + 1L) << _shift > MostSlots)
            {
                throw new OpenEmbeddingException($"Table {_name}: {_prefix}.rows is full with {MostSlots} slots; more servers hold more.");
            }

            _segments.Add(new Segment());
        }

        _begun++;
        var segment = _segments[_open];
        segment.Begin(SlotsPerSegment);
    }

    private void Close()
    {
        var segment = _segments[_open];
        var headers = new ReadOnlySpan<byte>(Headers, segment.Count * HeaderBytes);
        segment.Checksum = XxHash3.HashToUInt64(headers);
        Write(_rowFile, ".rows", new ReadOnlySpan<byte>(_buffer, (int)SegmentBytes), _open * SegmentBytes);
        Write(_slotFile, ".slots", headers, ((long)_open << _shift) * HeaderBytes);
        int number = _open;
        _open = -1;
        FreeIfEmpty(number);
    }

    private void FreeIfEmpty(int number)
    {
        var segment = _segments[number];
        if (segment is { Live: 0, Pins: 0, IsFree: false } && number != _open)
        {
            segment.IsFree = true;
            _free.Push(number);
        }
    }

    private int FindEmptiest()
    {
        int best = -1;
        long least = SlotsPerSegment * 3 / 4;
        for (int i = 0; i < _segments.Count; i++)
        {
            var segment = _segments[i];
            if (segment is { IsFree: false, Pins: 0 } && i != _open && segment.Live < least)
            {
                (best, least) = (i, segment.Live);
            }
        }

        return best;
    }

    private void MoveRows(int number, IRowOwner owner)
    {
        var segment = _segments[number];
        byte[] rows = GC.AllocateUninitializedArray<byte>(segment.Count * _stride);
        byte[] headers = GC.AllocateUninitializedArray<byte>(segment.Count * HeaderBytes);
        ReadSegment(number, segment.Count, rows, headers);
        fixed (byte* row = rows, header = headers) // in place while rows are copied out of them
        {
            for (int i = 0; i < segment.Count && segment.Live > 0; i++)
            {
                if (segment.Holds(i))
                {
                    long key = *(long*)(header + (i * HeaderBytes));
                    uint slot = SlotOf(number, i);
                    nint from = (nint)(row + (i * _stride));
                    Check(slot, key, from);
                    uint to = Append(key, *(uint*)(header + (i * HeaderBytes) + sizeof(long)), from);
                    owner.Moved(key, slot, to);
                    Drop(slot);
                }
            }
        }
    }
}
