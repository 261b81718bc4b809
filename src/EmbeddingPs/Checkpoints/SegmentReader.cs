using System.Buffers.Binary;
using System.IO.Hashing;
using System.Runtime.InteropServices;
using OpenEmbedding.Collectives;
using OpenEmbedding.EmbeddingPs.Tables;

namespace OpenEmbedding.EmbeddingPs.Checkpoints;

/// <summary>Reads the segments of all servers and takes the rows that belong to the tables here.</summary>
internal sealed unsafe class SegmentReader
{
    private const int ChunkBytes = 4 << 20;

    private readonly CheckpointSource _source;
    private readonly SafetensorsFile _file;
    private readonly Dictionary<string, XxHash3> _hashes;
    private readonly HashSet<string> _read = [];
    private readonly bool _slots;

    private SegmentReader(CheckpointSource source, SafetensorsFile file, bool slots)
    {
        _slots = slots;
        _source = source;
        _file = file;
        _hashes = file.Arrays.ToDictionary(array => array.Name, _ => new XxHash3());
    }

    /// <summary>Takes rows into tables that have none.</summary>
    /// <exception cref="OpenEmbeddingException">A file is missing, damaged or of another model; the tables are then not to be used.</exception>
    public static void Load(CheckpointSource source, EmbeddingTable[] tables, bool slots)
    {
        source.Check([.. tables.Select(table => table.Options)]);
        foreach (var table in tables)
        {
            // Shards have not quite the same number of keys.
            long rows = source.Manifest.Servers.SelectMany(server => server).Sum(segment => segment.Rows.GetValueOrDefault(table.Options.Name)) / table.Shards;
            table.Reserve(rows + (rows / 32));
        }

        foreach (var segment in source.Manifest.Servers.SelectMany(server => server))
        {
            using var file = source.Open(segment);
            var reader = new SegmentReader(source, file, slots);
            Array.ForEach(tables, reader.Read);
            reader.Finish(segment);
        }
    }

    private void Read(EmbeddingTable table)
    {
        var saved = _source.Find(table.Options.Name);
        var kept = _slots && saved.HasSlotsOf(CheckpointTable.Of(table.Options)) ? table.Columns() : table.Columns()[..1];
        kept = Array.FindAll(kept, column => column.Name != RowColumn.LastStep || Has(table, column.Name));
        var keysArray = Find(table, "keys");
        int savedBytes = saved.ElementType.SizeOf();
        long total = keysArray.Bytes / sizeof(long);
        ArrayPlan[] arrays = [.. kept.Select(column => Find(table, column.Name))];
        int[] widths = [.. kept.Select(column => column.IsCount ? sizeof(int) : column.Elements * savedBytes)];
        for (int i = 0; i < arrays.Length; i++)
        {
            if (arrays[i].Bytes != total * widths[i])
            {
                throw new OpenEmbeddingException(
                    $"{_file.FilePath}: array {arrays[i].Name} has {arrays[i].Bytes} bytes for {total} rows of {widths[i]}.", JobExitCode.Data);
            }
        }

        int most = (int)Math.Max(1, Math.Min(total, ChunkBytes / Math.Max(table.StoredBytes, widths.Sum())));
        long[] keys = new long[most];
        byte[][] values = [.. widths.Select(width => new byte[(long)most * width])];
        for (long first = 0; first < total; first += most)
        {
            int count = (int)Math.Min(most, total - first);
            ReadPart(keysArray, first * sizeof(long), MemoryMarshal.AsBytes(keys.AsSpan(0, count)));
            for (int i = 0; i < arrays.Length; i++)
            {
                ReadPart(arrays[i], first * widths[i], values[i].AsSpan(0, count * widths[i]));
            }

            Take(table, keys.AsSpan(0, count), kept, values, widths, savedBytes);
        }
    }

    private void Take(EmbeddingTable table, ReadOnlySpan<long> keys, RowColumn[] columns, byte[][] values, int[] widths, int savedBytes)
    {
        int[] places = PlacesOf(table, keys);
        long[] own = new long[places.Length];
        for (int i = 0; i < own.Length; i++)
        {
            own[i] = keys[places[i]];
        }

        long[] rows = new long[own.Length];
        table.FindOrAdd(own, rows);
        int stored = table.StoredBytes;
        int elementBytes = table.Options.ElementType.SizeOf();
        byte[] chunk = new byte[(long)own.Length * stored];
        fixed (byte* start = chunk) // in place while the table copies from and to it
        {
            // Slots that are not in the file keep their first values.
            table.Export(rows, (nint)start);
            for (int i = 0; i < columns.Length; i++)
            {
                for (int row = 0; row < own.Length; row++)
                {
                    var value = values[i].AsSpan(places[row] * widths[i], widths[i]);
                    var destination = chunk.AsSpan((row * stored) + columns[i].Offset);
                    if (columns[i].IsCount || savedBytes == elementBytes)
                    {
                        value.CopyTo(destination);
                    }
                    else
                    {
                        Convert(value, destination, savedBytes);
                    }
                }
            }

            table.Import(rows, (nint)start);
            table.Release(rows);
        }
    }

    private int[] PlacesOf(EmbeddingTable table, ReadOnlySpan<long> keys)
    {
        var options = table.Options;
        ulong limit = options.Kind == TableKind.Array ? (ulong)options.Vocabulary : 1UL << 63;
        var places = new List<int>(keys.Length / table.Shards);
        for (int i = 0; i < keys.Length; i++)
        {
            if ((ulong)keys[i] >= limit)
            {
                throw new OpenEmbeddingException(
                    $"{_file.FilePath}: table {options.Name} has key {keys[i]}; allowed are 0 to {limit - 1}.", JobExitCode.Data);
            }

            if (Sharding.ShardOf(options.Kind, keys[i], table.Shards) == table.Shard)
            {
                places.Add(i);
            }
        }

        return [.. places];
    }

    private static void Convert(ReadOnlySpan<byte> source, Span<byte> destination, int sourceBytes)
    {
        for (int i = 0; i < source.Length / sourceBytes; i++)
        {
            if (sourceBytes == sizeof(float))
            {
                BinaryPrimitives.WriteDoubleLittleEndian(destination[(i * sizeof(double))..], BinaryPrimitives.ReadSingleLittleEndian(source[(i * sizeof(float))..]));
            }
            else
            {
                BinaryPrimitives.WriteSingleLittleEndian(destination[(i * sizeof(float))..], (float)BinaryPrimitives.ReadDoubleLittleEndian(source[(i * sizeof(double))..]));
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
    }

    private void ReadPart(ArrayPlan array, long start, Span<byte> destination)
    {
        _file.Read(array, start, destination);
        _hashes[array.Name].Append(destination);
        _read.Add(array.Name);
    }

    private static string NameOf(EmbeddingTable table, string column) => $"table/{table.Options.Name}/{column}";

    private bool Has(EmbeddingTable table, string column) => _file.Arrays.Any(array => array.Name == NameOf(table, column));

    private ArrayPlan Find(EmbeddingTable table, string column)
    {
        string name = NameOf(table, column);
        return _file.Arrays.FirstOrDefault(array => array.Name == name)
            ?? throw new OpenEmbeddingException($"{_file.FilePath} has no array {name}; it is of another checkpoint.", JobExitCode.Data);
    }
}
