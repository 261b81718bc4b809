using System.Runtime.CompilerServices;

namespace OpenEmbedding.Trainer.Data;

/// <summary>Cuts a stream of bytes into lines without copying or decoding them.</summary>
/// <remarks>
/// Lines end in LF or CR LF; the last one may end with the stream. The buffer is filled in large blocks, holds whole lines and grows to the
/// longest one. Not thread-safe.
/// </remarks>
internal sealed unsafe class ByteLines : IDisposable
{
    /// <summary>Bytes behind the end of a line that may always be read, whatever they are.</summary>
    public const int Overrun = 1024;

    private const int LongestLine = 16 << 20;
    private const int ScanBlock = 16 << 10;
    private const byte LineFeed = (byte)'\n';

    private readonly Stream _stream;
    private readonly string _path;
    private byte[] _buffer;
    private int _next;
    private int _end;
    private bool _ended;

    /// <summary>Reads a stream, which it then owns.</summary>
    /// <param name="stream">The bytes.</param>
    /// <param name="path">The name for messages.</param>
    /// <param name="blockBytes">The size of the buffer at first, at least 1.</param>
    public ByteLines(Stream stream, string path, int blockBytes)
    {
        _stream = stream;
        _path = path;
        _buffer = Allocate(blockBytes);
    }

    /// <summary>The number of lines read or skipped; just after a read, the number of that line, from 1.</summary>
    public long Line { get; private set; }

    /// <summary>Moves to the next line; false at the end.</summary>
    /// <param name="terminator">A byte that takes the place of the line's end, so that every field of the line ends alike.</param>
    /// <param name="line">The first byte of the line, valid until the next call.</param>
    /// <param name="length">Bytes of the line without its end.</param>
    public bool TryRead(byte terminator, out byte* line, out int length)
    {
        int searched = 0;
        int end;
        while (true)
        {
            int found = _buffer.AsSpan(_next + searched, _end - _next - searched).IndexOf(LineFeed);
            if (found >= 0)
            {
                end = _next + searched + found;
                break;
            }

            searched = _end - _next;
            if (!Fill())
            {
                end = _end;
                break;
            }
        }

        int start = _next;
        _next = Math.Min(end + 1, _end);
        if (_next == start)
        {
            line = null;
            length = 0;
            return false;
        }

        if (end > start && _buffer[end - 1] == '\r')
        {
            end--;
        }

        _buffer[end] = terminator;
        Line++;

        // The buffer is pinned, so the address stays good until the buffer is replaced by a later call.
        line = (byte*)Unsafe.AsPointer(ref _buffer[start]);
        length = end - start;
        return true;
    }

    /// <summary>
    /// Passes over lines, looking at nothing but their ends; returns how many there were, fewer than asked only at the end.
    /// </summary>
    public long Skip(long count)
    {
        long skipped = 0;
        bool insideLine = false;
        while (skipped < count)
        {
            if (_next == _end && !Fill())
            {
                skipped += insideLine ? 1 : 0;
                break;
            }

            ReadOnlySpan<byte> block = _buffer.AsSpan(_next, Math.Min(_end - _next, ScanBlock));
            int lines = block.Count(LineFeed);
            if (skipped + lines < count)
            {
                skipped += lines;
                insideLine = block[^1] != LineFeed;
                _next += block.Length;
                continue;
            }

            for (; skipped < count; skipped++)
            {
                _next += _buffer.AsSpan(_next, _end - _next).IndexOf(LineFeed) + 1;
            }
        }

        Line += skipped;
        return skipped;
    }

    /// <inheritdoc/>
    public void Dispose() => _stream.Dispose();

    private static byte[] Allocate(int capacity) => GC.AllocateArray<byte>(capacity + Overrun, pinned: true);

    /// <summary>Reads more bytes behind those not yet consumed, which move to the front; false at the end of the stream.</summary>
    private bool Fill()
    {
        if (_ended)
        {
            return false;
        }

        int capacity = _buffer.Length - Overrun;
        byte[] old = _buffer;
        if (_next == 0 && _end == capacity)
        {
            if (capacity >= LongestLine)
            {
                throw DataError.AtLine(_path, Line + 1, $"line longer than {LongestLine >> 20} MiB");
            }

            capacity = Math.Min(capacity * 2, LongestLine);
            _buffer = Allocate(capacity);
        }

        old.AsSpan(_next, _end - _next).CopyTo(_buffer);
        _end -= _next;
        _next = 0;
        try
        {
            int read = _stream.Read(_buffer.AsSpan(_end, capacity - _end));
            _end += read;
            _ended = read == 0;
        }
        catch (Exception e) when (e is IOException or InvalidDataException)
        {
            throw DataError.AtLine(_path, Line + 1, $"cannot be read: {e.Message}", e);
        }

        return !_ended;
    }
}
