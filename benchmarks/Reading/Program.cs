using System.Diagnostics;
using System.Globalization;
using OpenEmbedding.Trainer.Configuration;
using OpenEmbedding.Trainer.Data;

// dotnet run -c Release --project benchmarks/Reading -- [--shuffle ROWS] FILE...
// Rows a second that one thread reads as a trainer would, in batches of 4096, beside a scan of the same bytes for line ends, as "wc -l" does. Files have
// Criteo's columns in any form that oe-train reads; of libsvm and libffm, columns 1 to 13 and 14 to 39. Each figure is the best of five passes.
const int BatchRows = 4096;
const int Passes = 5;

RowShuffle? shuffle = null;
if (args is ["--shuffle", var buffer, ..])
{
    shuffle = new RowShuffle(int.Parse(buffer, CultureInfo.InvariantCulture), Seed: 1, Pass: 1);
    args = args[2..];
}

if (args.Length == 0)
{
    Console.Error.WriteLine("reading: no files; expected those to read");
    return 2;
}

Console.WriteLine("| file | MB | rows | rows/s | MB/s | scan, MB/s | ratio |");
Console.WriteLine("| --- | --: | --: | --: | --: | --: | --: |");
foreach (string path in args)
{
    double bytes = new FileInfo(path).Length;
    long rows = 0;
    TimeSpan scan = TimeSpan.MaxValue, read = TimeSpan.MaxValue;
    for (int pass = 0; pass < Passes; pass++)
    {
        scan = Shorter(scan, () => Scan(path));
        read = Shorter(read, () => rows = Read(path, shuffle));
    }

    Console.WriteLine(string.Create(
        CultureInfo.InvariantCulture,
        $"| {Path.GetFileName(path)} | {bytes / 1e6:F0} | {rows} | {rows / read.TotalSeconds:F0} | {bytes / read.TotalSeconds / 1e6:F0} | {bytes / scan.TotalSeconds / 1e6:F0} | {scan / read:F2} |"));
}

return 0;

static TimeSpan Shorter(TimeSpan best, Action pass)
{
    long start = Stopwatch.GetTimestamp();
    pass();
    TimeSpan time = Stopwatch.GetElapsedTime(start);
    return time < best ? time : best;
}

static long Read(string path, RowShuffle? shuffle)
{
    var options = new DataOptions { Train = new DataFiles { Files = [path] }, DenseScale = DenseScaling.Log };
    if (Path.GetExtension(path) is ".libsvm" or ".libffm" or ".svm" or ".ffm")
    {
        options = options with { Dense = [.. Numbers(1, 13)], Sparse = [.. Numbers(14, 26)] };
    }

    using var reader = new BatchReader(options, options.Train, trainer: 0, trainers: 1, BatchRows, DenseScale.Create(options), shuffle: shuffle);
    var batch = new Batch();
    long rows = 0;
    while (reader.Read(batch))
    {
        rows += batch.Rows;
    }

    return rows;
}

static IEnumerable<string> Numbers(int first, int count) =>
    Enumerable.Range(first, count).Select(number => number.ToString(CultureInfo.InvariantCulture));

static void Scan(string path)
{
    using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0);
    byte[] block = new byte[1 << 20];
    long lines = 0;
    for (int read = file.Read(block); read > 0; read = file.Read(block))
    {
        lines += block.AsSpan(0, read).Count((byte)'\n');
    }

    // Printed nowhere, but not to be left out by the compiler either.
    GC.KeepAlive(lines);
}
