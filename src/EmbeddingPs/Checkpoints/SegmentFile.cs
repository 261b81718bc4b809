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

    private const int BufferBytes = 1 << 20;

    // A disk that is handed the next write before one is over need not wait for this thread.
    private const int MostWrites = 2;

    private readonly SafeFileHandle _file;
    private readonly byte[] _header;
    private readonly ArrayStream _headerStream;
    private readonly ArrayStream[] _arrays;
    private readonly XxHash3[] _hashes;
    private readonly SortedDictionary<long, byte[]> _edges = [];
    private readonly long _bytes;

    // Writes under way, the oldest first, while other buffers fill.
    private readonly Queue<(Task Write, nint Buffer)> _writes = new();

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

        while (_writes.TryPeek(out var oldest))
        {
            oldest.Write.GetAwaiter().GetResult();
            NativeMemory.AlignedFree((void*)_writes.Dequeue().Buffer);
        }

        WriteEdges();

        // The last block was written whole.
        RandomAccess.SetLength(_file, _bytes);
        RandomAccess.FlushToDisk(_file);
        return (_bytes, SafetensorsFile.Checksum(_header, _hashes));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var (write, buffer) in _writes)
        {
            ((IAsyncResult)write).AsyncWaitHandle.WaitOne();
            NativeMemory.AlignedFree((void*)buffer);
        }

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

    /// <summary>Begins to write a part of a buffer, and gives another buffer for it, once one is written.</summary>
    private byte* BeginWrite(long offset, byte* buffer, long start, long count)
    {
        byte* other = null;
        if (_writes.Count == MostWrites)
        {
            // It stays in the queue if it failed, so that it is freed.
            _writes.Peek().Write.GetAwaiter().GetResult();
            other = (byte*)_writes.Dequeue().Buffer;
        }

        nint from = (nint)(buffer + start);
        _writes.Enqueue((Task.Run(() => Write(offset, (byte*)from, count)), (nint)buffer));
        return other == null ? NewBuffer() : other;
    }

    private static byte* NewBuffer() => (byte*)NativeMemory.AlignedAlloc(BufferBytes, BlockBytes);

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
        private readonly SegmentFile _file;
        private readonly long _start;
        private readonly long _end;
        private long _next;

        // Where the buffer begins in the file.
        private long _bufferStart;
        private byte* _buffer;

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

            if (_buffer == null && !source.IsEmpty)
            {
                _buffer = NewBuffer();
            }

            while (!source.IsEmpty)
            {
                int count = (int)Math.Min(source.Length, _bufferStart + BufferBytes - _next);
                source[..count].CopyTo(new Span<byte>(_buffer + (_next - _bufferStart), count));
                source = source[count..];
                _next += count;
                if (_next == _bufferStart + BufferBytes)
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
            _buffer = null;
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
            if (tail < _next)
            {
                _file.AddToEdge(tail, _buffer + (tail - _bufferStart), _next - tail);
            }

            if (whole < tail)
            {
                _buffer = _file.BeginWrite(whole, _buffer, whole - _bufferStart, tail - whole);
            }

            _bufferStart = _next;
        }
    }
}
