using System.IO.Hashing;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using OpenEmbedding.Collectives;
using OpenEmbedding.EmbeddingPs.Protocol;
using OpenEmbedding.EmbeddingPs.Tables;

namespace OpenEmbedding.EmbeddingPs.Checkpoints;

/// <summary>Writes all rows of one server as a safetensors file: for each table its keys, then its weights and slots, an array each.</summary>
internal sealed unsafe class SegmentWriter
{
    private const int ChunkBytes = 4 << 20;

    private readonly SafeFileHandle _file;
    private readonly XxHash3[] _hashes;
    private readonly long[] _offsets;

    private SegmentWriter(SafeFileHandle file, IReadOnlyList<ArrayPlan> arrays, long headerBytes)
    {
        _file = file;
        _hashes = [.. arrays.Select(_ => new XxHash3())];
        _offsets = new long[arrays.Count];
        for (int i = 0; i < arrays.Count; i++)
        {
            _offsets[i] = headerBytes;
            headerBytes += arrays[i].Bytes;
        }
    }

    /// <summary>Writes the file and flushes it; the tables do not change meanwhile. What prevents it is a result.</summary>
    public static SavedSegments TryWrite(SaveRequest request, int server, int servers, EmbeddingTable[] tables)
    {
        string name = CheckpointDirectory.FreeName(request.Folder, CheckpointDirectory.FileOf(request.Step, $"server-{server}-of-{servers}"));
        string path = Path.Combine(request.Folder, name);
        try
        {
            return new SavedSegments { Segments = [Write(path, tables, request.Slots) with { File = name }] };
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            TryDelete(path);
            return new SavedSegments { Problem = $"{path} cannot be written: {e.Message}" };
        }
    }

    private static CheckpointSegment Write(string path, EmbeddingTable[] tables, bool slots)
    {
        ArrayPlan[] arrays = [.. tables.SelectMany(table => Plan(table, Columns(table, slots)))];
        byte[] header = Safetensors.Header(arrays, new Dictionary<string, string>());
        long bytes = header.Length + arrays.Sum(array => array.Bytes);
        using var file = File.OpenHandle(path, FileMode.CreateNew, FileAccess.Write, FileShare.None, FileOptions.None, bytes);
        RandomAccess.Write(file, header, 0);
        var writer = new SegmentWriter(file, arrays, header.Length);
        int first = 0;
        foreach (var table in tables)
        {
            first = writer.WriteRows(table, Columns(table, slots), first);
        }

        RandomAccess.FlushToDisk(file);
        return new CheckpointSegment
        {
            File = path,
            Bytes = bytes,
            Checksum = SafetensorsFile.Checksum(header, writer._hashes),
            Rows = tables.ToDictionary(table => table.Options.Name, table => table.RowCount),
        };
    }

    private static RowColumn[] Columns(EmbeddingTable table, bool slots) => slots ? table.Columns() : table.Columns()[..1];

    private static IEnumerable<ArrayPlan> Plan(EmbeddingTable table, RowColumn[] columns)
    {
        string name = $"table/{table.Options.Name}";
        long rows = table.RowCount;
        yield return new ArrayPlan($"{name}/keys", "I64", [rows], rows * sizeof(long));
        var element = table.Options.ElementType;
        foreach (var column in columns)
        {
            yield return column.IsCount
                ? new ArrayPlan($"{name}/{column.Name}", "I32", [rows], rows * sizeof(int))
                : new ArrayPlan(
                    $"{name}/{column.Name}",
                    element == ElementType.Float32 ? "F32" : "F64",
                    [rows, column.Elements],
                    rows * column.Elements * element.SizeOf());
        }
    }

    /// <returns>The first array of the next table.</returns>
    private int WriteRows(EmbeddingTable table, RowColumn[] columns, int firstArray)
    {
        int stored = table.StoredBytes;
        long[] keys = new long[Math.Max(1, ChunkBytes / stored)];
        long[] rows = new long[keys.Length];
        byte[] chunk = new byte[(long)keys.Length * stored];
        byte[] column = new byte[chunk.Length];
        int elementBytes = table.Options.ElementType.SizeOf();
        for (long cursor = 0; cursor >= 0;)
        {
            int count;
            fixed (byte* start = chunk) // in place while the table copies into it
            {
                cursor = table.Scan(cursor, keys, (nint)start, out count);
                var found = rows.AsSpan(0, count);
                table.FindOrAdd(keys.AsSpan(0, count), found); // none is new, but some may not be in memory
                table.Export(found, (nint)start);
                table.Release(found);
            }

            Append(firstArray, MemoryMarshal.AsBytes(keys.AsSpan(0, count)));
            for (int i = 0; i < columns.Length; i++)
            {
                int bytes = columns[i].IsCount ? sizeof(int) : columns[i].Elements * elementBytes;
                for (int row = 0; row < count; row++)
                {
                    chunk.AsSpan((row * stored) + columns[i].Offset, bytes).CopyTo(column.AsSpan(row * bytes));
                }

                Append(firstArray + 1 + i, column.AsSpan(0, count * bytes));
            }
        }

        return firstArray + 1 + columns.Length;
    }

    private void Append(int array, ReadOnlySpan<byte> bytes)
    {
        RandomAccess.Write(_file, bytes, _offsets[array]);
        _offsets[array] += bytes.Length;
        _hashes[array].Append(bytes);
    }

    private static void TryDelete(string path)
    {
        try
        {
            File.Delete(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // No manifest names the file; the next job removes it.
        }
    }
}
