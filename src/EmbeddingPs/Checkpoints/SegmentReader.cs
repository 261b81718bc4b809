using System.Buffers;
using System.Collections.Concurrent;
using System.IO.Hashing;
using System.Runtime.InteropServices;
using OpenEmbedding.Collectives;
using OpenEmbedding.EmbeddingPs.Tables;

namespace OpenEmbedding.EmbeddingPs.Checkpoints;

/// <summary>Reads the segments of all servers and takes the rows that belong to the tables here.</summary>
internal sealed class SegmentReader
{
    private const int ChunkBytes = 4 << 20;
    private const int ChunksAhead = 3;

    private readonly CheckpointSource _source;
    private readonly SafetensorsFile _file;
    private readonly Dictionary<string, XxHash3> _hashes;
    private readonly HashSet<string> _read = [];
    private readonly bool _slots;

    // Told when the checksum shows that the key is as it was saved.
    private string? _keyOutOfRange;

    private SegmentReader(CheckpointSource source, SafetensorsFile file, bool slots)
    {
        _slots = slots;
        _source = source;
        _file = file;
        _hashes = file.Arrays.ToDictionary(array => array.Name, _ => new XxHash3());
    }

    /// <summary>Takes rows into tables that have none.</summary>
    /// <param name="source">A checkpoint that <see cref="CheckpointSource.Check"/> found to fit.</param>
    /// <param name="tables">The tables, empty.</param>
    /// <param name="slots">Whether slots are taken too.</param>
    /// <exception cref="DamagedCheckpointException">A file is missing or damaged; the tables are then not to be used.</exception>
    /// <exception cref="OpenEmbeddingException">A key is out of a table's range.</exception>
    public static void Load(CheckpointSource source, EmbeddingTable[] tables, bool slots)
    {
        var untouched = new HashSet<EmbeddingTable>(tables);
        foreach (var server in source.Manifest.Servers)
        {
            foreach (var segment in server)
            {
                using var file = source.Open(segment);
                var reader = new SegmentReader(source, file, slots);
                foreach (var table in tables)
                {
                    if (untouched.Remove(table))
                    {
                        // Just before its first rows, so that memory is taken for one table after the other. Shards have not quite the same number of keys.
                        long rows = source.Manifest.Servers.Sum(other => other[^1].TableRows.GetValueOrDefault(table.Options.Name)) / table.Shards;
                        table.Reserve(rows + (rows / 32));
                    }

                    reader.Remove(table);
                    reader.Read(table);
                    if (slots && segment == server[^1])
                    {
                        reader.ReadCandidates(table);
                    }
                }

                reader.Finish(segment);
            }
        }
    }

    private void Remove(EmbeddingTable table)
    {
        long[] keys = ReadWhole<long>(table, SegmentCapture.RemovedKeys);
        if (keys.Length > 0 && table is TieredTable)
        {
            throw new OpenEmbeddingException(
                $"{_file.FilePath}: rows of table {table.Options.Name} went between two checkpoints, which tables in files cannot follow; "
                + "load it into memory, or save with checkpoint.increments = 1.",
                JobExitCode.Configuration);
        }

        table.Remove(Array.FindAll(keys, key => (ulong)key < table.KeyLimit && table.Owns(key)));
    }

    private void ReadCandidates(EmbeddingTable table)
    {
        long[] keys = ReadWhole<long>(table, SegmentCapture.CandidateKeys);
        int[] counts = ReadWhole<int>(table, SegmentCapture.CandidateCounts);
        if (keys.Length != counts.Length)
        {
            throw new DamagedCheckpointException($"{_file.FilePath}: table {table.Options.Name} has {keys.Length} candidates with {counts.Length} counts.");
        }

        table.ImportCandidates(keys, counts);
    }

    /// <returns>All of an array, nothing if it is not there.</returns>
    private T[] ReadWhole<T>(EmbeddingTable table, string name)
        where T : unmanaged
    {
        if (!Has(table, name))
        {
            return [];
        }

        var array = Find(table, name);
        var values = new T[array.Shape[0]];
        var bytes = MemoryMarshal.AsBytes(values.AsSpan());
        if (bytes.Length != array.Bytes)
        {
            throw new DamagedCheckpointException($"{_file.FilePath}: array {array.Name} has {array.Bytes} bytes for {values.Length} numbers.");
        }

        _read.Add(array.Name);
        ReadPart(array, 0, bytes);
        return values;
    }

    private void Read(EmbeddingTable table)
    {
        var saved = _source.Find(table.Options.Name);
        var kept = _slots && saved.HasSlotsOf(CheckpointTable.Of(table.Options)) ? table.Columns() : table.Columns()[..1];
        kept = Array.FindAll(kept, column => column.Name != RowColumn.LastStep || Has(table, column.Name));
        var keys = Find(table, "keys");
        long total = keys.Bytes / sizeof(long);
        ArrayPlan[] arrays = [keys, .. kept.Select(column => Find(table, column.Name))];
        int[] widths = [sizeof(long), .. kept.Select(column => column.Bytes(saved.ElementType))];
        for (int i = 0; i < arrays.Length; i++)
        {
            if (arrays[i].Bytes != total * widths[i])
            {
                throw new DamagedCheckpointException($"{_file.FilePath}: array {arrays[i].Name} has {arrays[i].Bytes} bytes for {total} rows of {widths[i]}.");
            }
        }

        _read.UnionWith(arrays.Select(array => array.Name));
        table.IsLoading = true;
        long most = Math.Max(1, Math.Min(total, ChunkBytes / widths.Sum()));
        var taker = new RowTaker(table, kept, saved.ElementType, _file.FilePath);

        // The disk reads some chunks ahead of the one whose rows are taken.
        using var free = new BlockingCollection<byte[][]>();
        using var full = new BlockingCollection<byte[][]>();
        byte[][][] buffers = [.. Enumerable.Range(0, (int)Math.Min(ChunksAhead + 1, (total + most - 1) / most)).Select(_ => NewBuffers())];
        Array.ForEach(buffers, free.Add);
        var reading = Task.Run(ReadAll);
        try
        {
            long first = 0;
            foreach (byte[][] values in full.GetConsumingEnumerable())
            {
                taker.Take((int)Math.Min(most, total - first), values);
                free.Add(values);
                first += most;
            }
        }
        finally
        {
            free.CompleteAdding();
            ((IAsyncResult)reading).AsyncWaitHandle.WaitOne();
            table.IsLoading = false;
            Array.ForEach(buffers, values => Array.ForEach(values, value => ArrayPool<byte>.Shared.Return(value)));
        }

        reading.GetAwaiter().GetResult();
        _keyOutOfRange ??= taker.KeyOutOfRange;

        byte[][] NewBuffers() => [.. widths.Select(width => ArrayPool<byte>.Shared.Rent((int)most * width))];

        void ReadAll()
        {
            try
            {
                for (long first = 0; first < total && free.TryTake(out byte[][]? values, Timeout.Infinite); first += most)
                {
                    int count = (int)Math.Min(total - first, most);
                    Task.WhenAll(arrays.Select((array, i) => Task.Run(() => ReadPart(array, first * widths[i], values[i].AsSpan(0, count * widths[i])))))
                        .GetAwaiter().GetResult();
                    full.Add(values);
                }
            }
            finally
            {
                full.CompleteAdding();
            }
        }
    }

    // What no table needs is read for its checksum alone.
    private void Finish(CheckpointSegment segment)
    {
        byte[] buffer = new byte[ChunkBytes];
        foreach (var array in _file.Arrays.Where(array => !_read.Contains(array.Name)))
        {
            for (long start = 0; start < array.Bytes; start += buffer.Length)
            {
                ReadPart(array, start, buffer.AsSpan(0, (int)Math.Min(buffer.Length, array.Bytes - start)));
            }
        }

        _source.CheckContent(_file, segment, _file.Arrays.Select(array => _hashes[array.Name]));
        if (_keyOutOfRange is not null)
        {
            throw new OpenEmbeddingException(_keyOutOfRange, JobExitCode.Data);
        }
    }

    private void ReadPart(ArrayPlan array, long start, Span<byte> destination)
    {
        _file.Read(array, start, destination);
        _hashes[array.Name].Append(destination);
    }

    private static string NameOf(EmbeddingTable table, string column) => $"table/{table.Options.Name}/{column}";

    private bool Has(EmbeddingTable table, string column) => _file.Arrays.Any(array => array.Name == NameOf(table, column));

    private ArrayPlan Find(EmbeddingTable table, string column)
    {
        string name = NameOf(table, column);
        return _file.Arrays.FirstOrDefault(array => array.Name == name)
            ?? throw new DamagedCheckpointException($"{_file.FilePath} has no array {name}; it is of another checkpoint.");
    }
}
