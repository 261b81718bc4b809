using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using OpenEmbedding.EmbeddingPs.Client;
using OpenEmbedding.EmbeddingPs.Storage;
using OpenEmbedding.EmbeddingPs.Tables;

namespace OpenEmbedding.Benchmarks.Kernels;

/// <summary>Measures a tiered table beside the same table in memory, batch by batch in turn, and its recovery beside reading a dump.</summary>
internal static unsafe class TieredRun
{
    private const int WarmUp = 30;
    private const int Rounds = 30;

    /// <summary>Prints the figures of a hash table with Zipf keys and Adagrad.</summary>
    /// <param name="rows">Rows, all of which exist.</param>
    /// <param name="dimension">Weights per row.</param>
    /// <param name="cacheMb">Memory for rows, in MiB.</param>
    /// <param name="folder">Where the files go.</param>
    public static void Print(long rows, int dimension, int cacheMb, string folder)
    {
        var settings = new TableSettings(TableKind.Hash, dimension, rows, RuleName.Adagrad, KeyDistribution.Zipf);
        using var memory = settings.CreateTable();
        var options = memory.Options;
        var share = new TableStorage(folder, Math.Max(1, ((long)cacheMb << 20) / TieredTable.FrameBytes(options)));
        Directory.CreateDirectory(folder);
        using (var tiered = (TieredTable)EmbeddingTable.Create(options, 0, 1, share))
        {
            settings.Fill(tiered);
            Write($"{rows} rows × {dimension}, Adagrad: {(double)rows * memory.StoredBytes / (1 << 20):f0} MiB of rows, {cacheMb} MiB of cache ({share.Rows} rows)");
            PrintSteps(settings, memory, tiered, drop: null);
            PrintSteps(settings, memory, tiered, drop: Path.Combine(folder, "table.server-0-of-1.rows"));
            Write($"memory of the tiered table {tiered.MemoryBytes / 1048576.0:f0} MiB, of the other {memory.MemoryBytes / 1048576.0:f0} MiB; files {tiered.Log.FileBytes / 1048576.0:f0} MiB");
            long start = Stopwatch.GetTimestamp();
            tiered.SaveCheckpoint(1);
            Write($"checkpoint {Stopwatch.GetElapsedTime(start).TotalSeconds:f2} s");
        }

        PrintRecovery(settings, memory, share, folder);
        Array.ForEach(Directory.GetFiles(folder, "table.server-0-of-1.*"), File.Delete);
    }

    private static void PrintSteps(TableSettings settings, EmbeddingTable memory, TieredTable tiered, string? drop)
    {
        var stream = new KeyStream(KeyDistribution.Zipf, settings.Rows, drop is null ? 1 : 2);
        var plan = new KeyBatch();
        nint weights = (nint)NativeMemory.AlignedAlloc((nuint)(TableBatch.Ids * settings.WeightBytes), 64);
        List<double>[] pulls = [[], []];
        List<double>[] pushes = [[], []];
        long keys = 0;
        long read = 0;
        for (int round = -WarmUp; round < Rounds; round++)
        {
            plan.Plan(Array.ConvertAll(stream.Draw(TableBatch.Ids), settings.KeyOf), TableKind.Hash, 1);
            long before = tiered.Log.RowsRead;
            if (drop is not null)
            {
                FileCache.Drop(drop);
            }

            for (int i = 0; i < 2; i++)
            {
                var (pull, push) = Step(i == 0 ? memory : tiered, plan.Keys, weights);
                if (round >= 0)
                {
                    pulls[i].Add(pull);
                    pushes[i].Add(push);
                }
            }

            if (round >= 0)
            {
                keys += plan.Count;
                read += tiered.Log.RowsRead - before;
            }
        }

        NativeMemory.AlignedFree((void*)weights);
        Write($"{(drop is null ? "file in the system's cache" : "file on the disk only")}: {keys / Rounds} distinct keys a step, {(double)read / keys:p0} read from the file");
        Write($"  ms a step, memory: pull {Median(pulls[0]):f1}, push {Median(pushes[0]):f1}; tiered: pull {Median(pulls[1]):f1}, push {Median(pushes[1]):f1}");
    }

    private static (double Pull, double Push) Step(EmbeddingTable table, ReadOnlySpan<long> keys, nint weights)
    {
        long[] rows = new long[keys.Length];
        long start = Stopwatch.GetTimestamp();
        table.FindOrAdd(keys, rows);
        table.Gather(rows, weights);
        double pull = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
        start = Stopwatch.GetTimestamp();
        table.Apply(rows, weights);
        table.Release(rows);
        return (pull, Stopwatch.GetElapsedTime(start).TotalMilliseconds);
    }

    private static void PrintRecovery(TableSettings settings, EmbeddingTable memory, TableStorage share, string folder)
    {
        var options = memory.Options;
        string dump = Path.Combine(folder, "table.server-0-of-1.dump");
        WriteDump(settings, memory, dump);
        var reload = new List<double>();
        var recovery = new List<double>();
        for (int i = 0; i < 3; i++)
        {
            long start = Stopwatch.GetTimestamp();
            ReadDump(settings, options, dump);
            reload.Add(Stopwatch.GetElapsedTime(start).TotalSeconds);
            start = Stopwatch.GetTimestamp();
            using var table = (TieredTable)EmbeddingTable.Create(options, 0, 1, share);
            table.Recover(1);
            recovery.Add(Stopwatch.GetElapsedTime(start).TotalSeconds);
        }

        Write($"reload of a dump into memory {Median(reload):f2} s, recovery {Median(recovery):f2} s: {Median(reload) / Median(recovery):f1} times faster");
    }

    private static void WriteDump(TableSettings settings, EmbeddingTable table, string path)
    {
        // In the order in which the rows came: in that of the index, a growing index would be filled from one end.
        using var file = new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.None, 1 << 20);
        long[] keys = new long[TableSettings.ChunkRows];
        long[] rows = new long[TableSettings.ChunkRows];
        byte[] stored = new byte[TableSettings.ChunkRows * table.StoredBytes];
        for (long start = 0; start < settings.Rows; start += TableSettings.ChunkRows)
        {
            int count = (int)Math.Min(TableSettings.ChunkRows, settings.Rows - start);
            for (int i = 0; i < count; i++)
            {
                keys[i] = settings.KeyOf(start + i);
            }

            table.Find(keys.AsSpan(0, count), rows);
            fixed (byte* to = stored) // in place while the table copies into it
            {
                table.Export(rows.AsSpan(0, count), (nint)to);
            }

            file.Write(BitConverter.GetBytes(count));
            file.Write(MemoryMarshal.AsBytes(keys.AsSpan(0, count)));
            file.Write(stored.AsSpan(0, count * table.StoredBytes));
        }

        file.Flush(flushToDisk: true);
    }

    private static void ReadDump(TableSettings settings, TableOptions options, string path)
    {
        using var table = EmbeddingTable.Create(options, 0, 1);
        table.Reserve(settings.Rows);
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 20);
        long[] keys = new long[TableSettings.ChunkRows];
        long[] rows = new long[TableSettings.ChunkRows];
        byte[] stored = new byte[TableSettings.ChunkRows * table.StoredBytes];
        byte[] length = new byte[sizeof(int)];
        while (file.Read(length) == length.Length)
        {
            int count = BitConverter.ToInt32(length);
            file.ReadExactly(MemoryMarshal.AsBytes(keys.AsSpan(0, count)));
            file.ReadExactly(stored.AsSpan(0, count * table.StoredBytes));
            table.FindOrAdd(keys.AsSpan(0, count), rows);
            fixed (byte* from = stored) // in place while the table copies out of it
            {
                table.Import(rows.AsSpan(0, count), (nint)from);
            }
        }
    }

    private static double Median(List<double> values)
    {
        values.Sort();
        return values[values.Count / 2];
    }

    private static void Write(FormattableString line) => Console.WriteLine(line.ToString(CultureInfo.InvariantCulture));
}
