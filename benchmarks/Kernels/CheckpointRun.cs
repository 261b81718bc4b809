using System.Diagnostics;
using System.Globalization;
using OpenEmbedding.EmbeddingPs.Checkpoints;
using OpenEmbedding.EmbeddingPs.Tables;

namespace OpenEmbedding.Benchmarks.Kernels;

/// <summary>Measures how fast a table is written and loaded, beside dd on the same disk, in turn.</summary>
internal static class CheckpointRun
{
    private const int Rounds = 5;
    private static readonly TimeSpan BackToTheHost = TimeSpan.FromSeconds(3);

    /// <summary>Prints the figures of a hash table with Adagrad.</summary>
    /// <param name="rows">Rows, all of which exist.</param>
    /// <param name="dimension">Weights per row.</param>
    /// <param name="folder">Where the files go.</param>
    public static void Print(long rows, int dimension, string folder)
    {
        var settings = new TableSettings(TableKind.Hash, dimension, rows, RuleName.Adagrad, KeyDistribution.Uniform);
        using var table = settings.CreateTable();
        using var directory = CheckpointDirectory.OpenForWriting(folder);
        var chain = new SegmentChain(0, 1, [table]);
        var times = new Dictionary<string, List<double>>();
        string copy = Path.Combine(folder, "dd");
        long bytes = 0;
        for (int round = 0; round < Rounds; round++)
        {
            var request = new SaveRequest { Folder = directory.Folder, Step = round };
            var saved = Time(times, "write, checkpoint", () => chain.Write(request));
            bytes = saved.Segments[0].Bytes;
            directory.Commit(
                new CheckpointManifest { Step = round, Tables = [CheckpointTable.Of(settings.Options)], Servers = [saved.Segments] }, keep: 1);
            long blocks = bytes >> 20;
            Time(times, "write, dd direct", () => RunDd($"if=/dev/zero of={copy} bs=1M count={blocks} oflag=direct conv=fsync"));
            File.Delete(copy);
            Time(times, "write, dd", () => RunDd($"if=/dev/zero of={copy} bs=1M count={blocks} conv=fsync"));

            // The host of a virtual machine may give memory only when it is touched, slower than a disk reads, and takes back what is free for some seconds.
            string file = Path.Combine(directory.Folder, saved.Segments[0].File);
            new NativeMemoryBlock(bytes + (bytes / 4)).Dispose();
            Load("load, checkpoint");
            Thread.Sleep(BackToTheHost);
            Load("load, new memory");

            void Load(string name)
            {
                FileCache.Drop(file);
                using var loaded = EmbeddingTable.Create(settings.Options, 0, 1);
                Time(times, name, () =>
                {
                    SegmentReader.Load(CheckpointSource.OpenForReading(directory.Folder), [loaded], slots: true);
                    return 0;
                });
            }

            FileCache.Drop(copy);
            Time(times, "load, dd direct", () => RunDd($"if={copy} of=/dev/null bs=1M iflag=direct"));
            FileCache.Drop(copy);
            Time(times, "load, dd", () => RunDd($"if={copy} of=/dev/null bs=1M"));
            File.Delete(copy);
        }

        Write($"{rows} rows x {dimension}, Adagrad: {bytes / 1e6:f0} MB");
        foreach (var (name, seconds) in times)
        {
            seconds.Sort();
            Write($"  {name,-20} {bytes / seconds[seconds.Count / 2] / 1e6,6:f0} MB/s");
        }
    }

    private static int RunDd(string arguments)
    {
        using var dd = Process.Start(new ProcessStartInfo("dd", arguments) { RedirectStandardError = true })!;
        string words = dd.StandardError.ReadToEnd();
        dd.WaitForExit();
        return dd.ExitCode == 0 ? 0 : throw new IOException(words);
    }

    private static T Time<T>(Dictionary<string, List<double>> times, string name, Func<T> action)
    {
        long start = Stopwatch.GetTimestamp();
        var result = action();
        if (!times.TryGetValue(name, out var list))
        {
            times.Add(name, list = []);
        }

        list.Add(Stopwatch.GetElapsedTime(start).TotalSeconds);
        return result;
    }

    private static void Write(FormattableString line) => Console.WriteLine(line.ToString(CultureInfo.InvariantCulture));
}
