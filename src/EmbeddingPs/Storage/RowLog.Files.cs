using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using OpenEmbedding.Collectives;

namespace OpenEmbedding.EmbeddingPs.Storage;

/// <content>Reading and writing.</content>
internal sealed unsafe partial class RowLog
{
    // Rows so near to each other are read together, with what is between them.
    private const int LargestGap = 4096;
    private const int LargestRun = 64 << 10;
    private const int RunsAhead = 256;

    private readonly List<(long Offset, int Bytes, int First, int Count)> _runs = [];
    private byte[] _run = [];

    /// <summary>Reads rows; the disk is asked for many at once.</summary>
    /// <param name="reads">What to read; put into the order of the file.</param>
    public void Read(Span<RowRead> reads)
    {
        reads.Sort();
        RowsRead += reads.Length;
        FindRuns(reads);
        for (int start = 0; start < _runs.Count; start += RunsAhead)
        {
            var runs = CollectionsMarshal.AsSpan(_runs).Slice(start, Math.Min(RunsAhead, _runs.Count - start));
            foreach (var run in runs)
            {
                FileAdvice.Ask(_rowFile, run.Offset, run.Bytes);
            }

            foreach (var run in runs)
            {
                Read(reads.Slice(run.First, run.Count), run.Offset, run.Bytes);
            }
        }
    }

    private void FindRuns(ReadOnlySpan<RowRead> reads)
    {
        _runs.Clear();
        for (int i = 0; i < reads.Length; i++)
        {
            if (_open >= 0 && reads[i].Slot >> _shift == _open)
            {
                Take(reads[i], (nint)(_buffer + (PlaceOf(reads[i].Slot) * (long)_stride)));
                continue;
            }

            long offset = OffsetOf(reads[i].Slot);
            if (_runs.Count > 0)
            {
                var last = _runs[^1];
                long bytes = offset + _stride - last.Offset;
                if (last.First + last.Count == i && offset - last.Offset - last.Bytes <= LargestGap && bytes <= LargestRun)
                {
                    _runs[^1] = last with { Bytes = (int)Math.Max(bytes, last.Bytes), Count = last.Count + 1 };
                    continue;
                }
            }

            _runs.Add((offset, _stride, i, 1));
        }
    }

    private void Read(ReadOnlySpan<RowRead> reads, long offset, int bytes)
    {
        if (_run.Length < bytes)
        {
            _run = new byte[Math.Max(bytes, LargestRun)];
        }

        ReadWhole(_rowFile, ".rows", _run.AsSpan(0, bytes), offset);
        fixed (byte* run = _run) // in place while rows are copied out of it
        {
            foreach (var read in reads)
            {
                Take(read, (nint)(run + (OffsetOf(read.Slot) - offset)));
            }
        }
    }

    private void Take(in RowRead read, nint row)
    {
        Check(read.Slot, read.Key, row);
        Buffer.MemoryCopy((void*)row, (void*)read.Destination, _rowBytes, _rowBytes);
    }

    private void Check(uint slot, long key, nint row)
    {
        if (*(uint*)(row + _rowBytes) != CheckOf(row, key))
        {
            throw new OpenEmbeddingException(
                $"Table {_name}: {_prefix}.rows is corrupt at byte {OffsetOf(slot)}, where the row of key {key} should be.", JobExitCode.Data);
        }
    }

    private long OffsetOf(uint slot) => ((slot >> _shift) * SegmentBytes) + ((long)PlaceOf(slot) * _stride);

    private int PlaceOf(uint slot) => (int)(slot & (SlotsPerSegment - 1));

    private uint SlotOf(int segment, int place) => (uint)(((long)segment << _shift) + place);

    /// <summary>Reads the written slots of a segment; other threads may do so while it stays as it is.</summary>
    private void ReadSegment(int number, int count, Span<byte> rows, Span<byte> headers)
    {
        ReadWhole(_rowFile, ".rows", rows[..(count * _stride)], number * SegmentBytes);
        ReadWhole(_slotFile, ".slots", headers[..(count * HeaderBytes)], ((long)number << _shift) * HeaderBytes);
    }

    private SafeFileHandle Open(string end)
    {
        string path = _prefix + end;
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            var file = File.OpenHandle(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            FileAdvice.ReadsAreRandom(file);
            return file;
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            throw Fail("open", path, problem);
        }
    }

    private void Write(SafeFileHandle file, string end, ReadOnlySpan<byte> bytes, long offset)
    {
        try
        {
            RandomAccess.Write(file, bytes, offset);
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            throw Fail("write", _prefix + end, problem);
        }
    }

    private void ReadWhole(SafeFileHandle file, string end, Span<byte> bytes, long offset)
    {
        try
        {
            while (bytes.Length > 0)
            {
                int count = RandomAccess.Read(file, bytes, offset);
                if (count == 0)
                {
                    throw new OpenEmbeddingException(
                        $"Table {_name}: {_prefix}{end} ends at byte {offset}; {bytes.Length} more should be there.", JobExitCode.Data);
                }

                bytes = bytes[count..];
                offset += count;
            }
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            throw Fail("read", _prefix + end, problem);
        }
    }

    private OpenEmbeddingException Fail(string what, string path, Exception problem) =>
        new($"Table {_name}: cannot {what} {path}: {problem.Message.TrimEnd('.')}.", JobExitCode.Data, problem);
}
