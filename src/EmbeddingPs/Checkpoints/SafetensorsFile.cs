using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.IO.Hashing;
using System.Runtime.InteropServices;
using System.Text.Json;
using Microsoft.Win32.SafeHandles;
using OpenEmbedding.EmbeddingPs.Storage;

namespace OpenEmbedding.EmbeddingPs.Checkpoints;

/// <summary>Reads a safetensors file piece by piece.</summary>
public sealed unsafe class SafetensorsFile : IDisposable
{
    private const long LongestHeader = 100 << 20;
    private const int WindowBytes = 1 << 20;

    private readonly SafeFileHandle _file;
    private readonly Dictionary<string, long> _offsets = [];
    private readonly ConcurrentBag<nint> _windows = [];

    /// <summary>Opens a file and reads its header.</summary>
    /// <exception cref="DamagedCheckpointException">It cannot be read or is no such file.</exception>
    public SafetensorsFile(string path)
    {
        FilePath = path;
        try
        {
            _file = File.OpenHandle(path);
            FileAdvice.BypassCache(_file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new DamagedCheckpointException($"{path} cannot be read: {e.Message}", e);
        }

        try
        {
            Bytes = RandomAccess.GetLength(_file);
            Header = ReadHeader();
            Arrays = ReadArrays();
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or KeyNotFoundException or FormatException or OverflowException or ArgumentException or IndexOutOfRangeException)
        {
            Dispose();
            throw new DamagedCheckpointException($"{path} is not a safetensors file: {e.Message}", e);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>The file's path.</summary>
    public string FilePath { get; }

    /// <summary>The file's length.</summary>
    public long Bytes { get; }

    /// <summary>The arrays, in the order of the file.</summary>
    public IReadOnlyList<ArrayPlan> Arrays { get; }

    /// <summary>The first bytes, up to the first array.</summary>
    internal byte[] Header { get; }

    /// <summary>Reads a part of an array; several threads may, at the same time.</summary>
    /// <param name="array">One of <see cref="Arrays"/>.</param>
    /// <param name="start">The first byte, counted from the start of the array.</param>
    /// <param name="destination">Receives the bytes.</param>
    public void Read(ArrayPlan array, long start, Span<byte> destination) => ReadAt(Header.Length + _offsets[array.Name] + start, destination);

    /// <inheritdoc/>
    public void Dispose()
    {
        _file.Dispose();
        foreach (nint window in _windows)
        {
            NativeMemory.AlignedFree((void*)window);
        }

        _windows.Clear();
    }

    /// <summary>The checksum of a file by those of its parts.</summary>
    internal static string Checksum(ReadOnlySpan<byte> header, IEnumerable<XxHash3> arrays)
    {
        var hash = new XxHash3();
        hash.Append(header);
        foreach (var array in arrays)
        {
            hash.Append(array.GetCurrentHash());
        }

        return Convert.ToHexStringLower(hash.GetCurrentHash());
    }

    private void ReadAt(long offset, Span<byte> destination)
    {
        nint window = _windows.TryTake(out nint free) ? free : (nint)NativeMemory.AlignedAlloc(WindowBytes, SegmentFile.BlockBytes);
        try
        {
            ReadAt(offset, destination, (byte*)window);
        }
        finally
        {
            _windows.Add(window);
        }
    }

    private void ReadAt(long offset, Span<byte> destination, byte* window)
    {
        while (!destination.IsEmpty)
        {
            // Whole blocks, as reads past the system's cache must be.
            long first = offset / SegmentFile.BlockBytes * SegmentFile.BlockBytes;
            int lead = (int)(offset - first);
            int asked = (int)Math.Min(WindowBytes, (long)lead + destination.Length);
            var blocks = new Span<byte>(window, (asked + SegmentFile.BlockBytes - 1) / SegmentFile.BlockBytes * SegmentFile.BlockBytes);
            int read = Math.Min(ReadSome(blocks, first), asked) - lead;
            if (read <= 0)
            {
                throw new DamagedCheckpointException($"{FilePath} ends after {Bytes} bytes; it is truncated.");
            }

            blocks.Slice(lead, read).CopyTo(destination);
            destination = destination[read..];
            offset += read;
        }
    }

    private int ReadSome(Span<byte> destination, long offset)
    {
        try
        {
            return RandomAccess.Read(_file, destination, offset);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new DamagedCheckpointException($"{FilePath} cannot be read at byte {offset}: {e.Message}", e);
        }
    }

    private byte[] ReadHeader()
    {
        byte[] length = new byte[sizeof(ulong)];
        ReadAt(0, length);
        ulong bytes = BinaryPrimitives.ReadUInt64LittleEndian(length);
        if (bytes > LongestHeader || (long)bytes > Bytes - sizeof(ulong))
        {
            throw new FormatException($"a header of {bytes} bytes does not fit into {Bytes}");
        }

        byte[] header = new byte[sizeof(ulong) + (int)bytes];
        ReadAt(0, header);
        return header;
    }

    private List<ArrayPlan> ReadArrays()
    {
        using var json = JsonDocument.Parse(Header.AsMemory(sizeof(ulong)));
        var arrays = new List<ArrayPlan>();
        long end = 0;
        foreach (var property in json.RootElement.EnumerateObject().Where(property => property.Name != "__metadata__"))
        {
            long[] shape = [.. property.Value.GetProperty("shape").EnumerateArray().Select(number => number.GetInt64())];
            var offsets = property.Value.GetProperty("data_offsets");
            long start = offsets[0].GetInt64();
            if (start != end || offsets[1].GetInt64() < start)
            {
                throw new FormatException($"array {property.Name} begins at {start}, not at {end}");
            }

            end = offsets[1].GetInt64();
            _offsets.Add(property.Name, start);
            arrays.Add(new ArrayPlan(property.Name, property.Value.GetProperty("dtype").GetString()!, shape, end - start));
        }

        return Header.Length + end == Bytes
            ? arrays
            : throw new FormatException($"it has {Bytes} bytes, its header tells of {Header.Length + end}; it is truncated or damaged");
    }
}
