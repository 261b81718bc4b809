using System.IO.Hashing;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using OpenEmbedding.EmbeddingPs.Storage;

namespace OpenEmbedding.EmbeddingPs.Checkpoints;

/// <summary>A safetensors file of which all arrays grow side by side, written past the system's cache where the file system can.</summary>
/// <remarks>
/// Such writes are whole blocks of the file. Each array gathers its bytes in a buffer that begins with a block; the blocks that two arrays
/// share wait until both have given their part:
/// <code>
/// blocks   |       |       |       |       |       |
/// arrays   header│ keys            │ weights …
///          └edge─┘└─written────────┘└edge──┘
/// </code>
/// </remarks>
internal sealed unsafe class SegmentFile : IDisposable
{
    /// <summary>The unit of writes, a multiple of what file systems ask for.</summary>
    public const int BlockBytes = 4 << 10;

    private readonly SafeFileHandle _file;
    private readonly byte[] _header;
    private readonly ArrayStream _headerStream;
    private readonly ArrayStream[] _arrays;
    private readonly XxHash3[] _hashes;
    private readonly SortedDictionary<long, byte[]> _edges = [];
    private readonly long _bytes;

    // One write at a time is under way, while the next buffer fills.
    private Task _write = Task.CompletedTask;

    /// <summary>Makes a file that is not there yet.</summary>
    /// <exception cref="IOException">It is there, or there is no room.</exception>
    public SegmentFile(string path, IReadOnlyList<ArrayPlan> arrays)
    {
        _header = Safetensors.Header(arrays, new Dictionary<string, string>());
        _hashes = [.. arrays.Select(_ => new XxHash3())];
        _arrays = new ArrayStream[arrays.Count];
        _bytes = _header.Length;
        _headerStream = new ArrayStream(this, 0, _bytes);
        for (int i = 0; i < arrays.Count; i++)
        {
            _arrays[i] = new ArrayStream(this, _bytes, arrays[i].Bytes);
            _bytes += arrays[i].Bytes;
        }

        _file = File.OpenHandle(path, FileMode.CreateNew, FileAccess.Write, FileShare.None, FileOptions.None, _bytes);
        FileAdvice.BypassCache(_file);
    }

    /// <summary>Adds to an array.</summary>
    public void Append(int array, ReadOnlySpan<byte> bytes)
    {
        _hashes[array].Append(bytes);
        _arrays[array].Append(bytes);
    }

    /// <summary>Writes what is left and flushes the file; every array must be complete.</summary>
    public (long Bytes, string Checksum) Finish()
    {
        _headerStream.Append(_header);
        _headerStream.Finish();
        foreach (var array in _arrays)
        {
            array.Finish();
        }

        _write.GetAwaiter().GetResult();
        WriteEdges();

        // The last block was written whole.
        RandomAccess.SetLength(_file, _bytes);
        RandomAccess.FlushToDisk(_file);
        return (_bytes, SafetensorsFile.Checksum(_header, _hashes));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        ((IAsyncResult)_write).AsyncWaitHandle.WaitOne();
        _headerStream.Dispose();
        Array.ForEach(_arrays, array => array.Dispose());
        _file.Dispose();
    }

    private void WriteEdges()
    {
        const int Most = 64;
        var buffer = (byte*)NativeMemory.AlignedAlloc(Most * BlockBytes, BlockBytes);
        try
        {
            long first = 0;
            int count = 0;
            foreach (var (block, content) in _edges)
            {
                if (count > 0 && (block != first + count || count == Most))
                {
                    Write(first * BlockBytes, buffer, count * BlockBytes);
                    count = 0;
                }

                first = count == 0 ? block : first;
                content.CopyTo(new Span<byte>(buffer + ((long)count * BlockBytes), BlockBytes));
                count++;
            }

            Write(first * BlockBytes, buffer, count * BlockBytes);
        }
        finally
        {
            NativeMemory.AlignedFree(buffer);
        }
    }

    /// <summary>Begins to write, once the write before is over; the bytes must stay until the next such call returns.</summary>
    private void BeginWrite(long offset, byte* bytes, long count)
    {
        if (count > 0)
        {
            _write.GetAwaiter().GetResult();
            nint from = (nint)bytes;
            _write = Task.Run(() => Write(offset, (byte*)from, count));
        }
    }

    private void Write(long offset, byte* bytes, long count)
    {
        if (count > 0)
        {
            RandomAccess.Write(_file, new ReadOnlySpan<byte>(bytes, (int)count), offset);
        }
    }

    /// <summary>Keeps the part of a block that one array has.</summary>
    private void AddToEdge(long offset, byte* bytes, long count)
    {
        long block = offset / BlockBytes;
        if (!_edges.TryGetValue(block, out byte[]? content))
        {
            content = new byte[BlockBytes];
            _edges.Add(block, content);
        }

        new ReadOnlySpan<byte>(bytes, (int)count).CopyTo(content.AsSpan((int)(offset % BlockBytes)));
    }

    /// <summary>The bytes of one array on their way to the file.</summary>
    private sealed class ArrayStream : IDisposable
    {
        private const long LargestBuffer = 512 << 10;

        private readonly SegmentFile _file;
        private readonly long _start;
        private readonly long _end;
        private long _next;

        // Where the buffer begins in the file.
        private long _bufferStart;
        private byte* _buffer;
        private byte* _otherBuffer;
        private long _bufferBytes;

        public ArrayStream(SegmentFile file, long start, long bytes)
        {
            _file = file;
            _start = start;
            _end = start + bytes;
            _next = start;
            _bufferStart = start / BlockBytes * BlockBytes;
        }

        public void Append(ReadOnlySpan<byte> source)
        {
            if (source.Length > _end - _next)
            {
                throw new InvalidOperationException($"An array has {source.Length - (_end - _next)} bytes too many.");
            }

            if (_buffer == null)
            {
                long needed = ((_end - _bufferStart + BlockBytes - 1) / BlockBytes) * BlockBytes;
                _bufferBytes = Math.Min(LargestBuffer, needed);
                _buffer = (byte*)NativeMemory.AlignedAlloc((nuint)_bufferBytes, BlockBytes);
                _otherBuffer = _bufferBytes == needed ? null : (byte*)NativeMemory.AlignedAlloc((nuint)_bufferBytes, BlockBytes);
            }

            while (!source.IsEmpty)
            {
                int count = (int)Math.Min(source.Length, _bufferStart + _bufferBytes - _next);
                source[..count].CopyTo(new Span<byte>(_buffer + (_next - _bufferStart), count));
                source = source[count..];
                _next += count;
                if (_next == _bufferStart + _bufferBytes)
                {
                    Flush();
                }
            }
        }

        public void Finish()
        {
            if (_next != _end)
            {
                throw new InvalidOperationException($"{_end - _next} bytes of an array are missing.");
            }

            Flush();
        }

        public void Dispose()
        {
            NativeMemory.AlignedFree(_buffer);
            NativeMemory.AlignedFree(_otherBuffer);
            _buffer = null;
            _otherBuffer = null;
        }

        private void Flush()
        {
            long first = Math.Max(_start, _bufferStart);
            long whole = Math.Min(_next, (first + BlockBytes - 1) / BlockBytes * BlockBytes);
            if (first < whole)
            {
                _file.AddToEdge(first, _buffer + (first - _bufferStart), whole - first);
            }

            long tail = Math.Max(whole, _next / BlockBytes * BlockBytes);
            _file.BeginWrite(whole, _buffer + (whole - _bufferStart), tail - whole);
            if (tail < _next)
            {
                _file.AddToEdge(tail, _buffer + (tail - _bufferStart), _next - tail);
            }

            _bufferStart = _next;
            byte* written = _buffer;
            _buffer = _otherBuffer;
            _otherBuffer = written;
        }
    }
}
