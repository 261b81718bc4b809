using System.Diagnostics;
using System.Globalization;

namespace OpenEmbedding.Benchmarks.Kernels;

/// <summary>Measures one table after the other in seconds: kernels and limits batch by batch in turn, medians, ratios of the same moment.</summary>
internal static class QuickTable
{
    private const int WarmUp = 12;
    private const int Shards = 4;

    /// <summary>Prints a line for each of the settings.</summary>
    /// <param name="all">What to measure.</param>
    /// <param name="rounds">Batches of each kernel.</param>
    public static void Print(IEnumerable<TableSettings> all, int rounds)
    {
        Console.WriteLine("M keys/s, median of batches; % of the limit of the same moment. limit 1 GB: random rows of that size out of 1 GB; limit: the same rows of as large an array");
        Console.WriteLine("kind  dim     rows rule    keys    | limit 1 GB  limit |  pull  of 1GB of lim   find gather | push+update 1 trainer 4 trainers   ids | plan 1 shard  4 shards | B/row");
        foreach (var settings in all)
        {
            Print(settings, rounds);
        }
    }

    private static void Print(TableSettings settings, int rounds)
    {
        using var run = new KernelRun(settings);
        using var gigabyte = CopyLimit.OfOneGigabyte(settings.WeightBytes, TableBatch.Ids);
        using var same = new CopyLimit(Math.Min(settings.Rows, (2L << 30) / settings.RowBytes), settings.WeightBytes, settings.RowBytes, TableBatch.Ids);
        long sameRows = Math.Min(settings.Rows, (2L << 30) / settings.RowBytes);
        var random = new KeyStream(KeyDistribution.Uniform, CopyLimit.RowsOfOneGigabyte(settings.WeightBytes), 1);
        long[] anyRows = [];
        long[] sameNumbers = [];
        Func<int>[] kernels =
        [
            () => Copy(gigabyte.Copy, anyRows),
            () => Copy(gigabyte.CopyWithPrefetch, anyRows),
            () => Copy(same.Copy, sameNumbers),
            () => Copy(same.CopyWithPrefetch, sameNumbers),
            run.Pull,
            run.PushOfTrainers,
            run.PushOfIds,
            () => run.Plan(1),
            () => run.Plan(Shards),
            run.Find,
            run.Gather,
            run.Update,
        ];
        var rates = Array.ConvertAll(kernels, _ => new List<double>());
        for (int round = -WarmUp; round < rounds; round++)
        {
            anyRows = random.Draw(TableBatch.Ids);
            sameNumbers = Array.ConvertAll(run.NextNumbers(), number => number % sameRows);
            for (int kernel = 0; kernel < kernels.Length; kernel++)
            {
                long start = Stopwatch.GetTimestamp();
                int keys = kernels[kernel]();
                double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
                if (round >= 0)
                {
                    rates[kernel].Add(keys / seconds / 1e6);
                }
            }
        }

        double[] median = Array.ConvertAll(rates, Median);
        double limit1 = Math.Max(median[0], median[1]);
        double limit = Math.Max(median[2], median[3]);
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{settings.Kind,-5} {settings.Dimension,3} {settings.Rows,8} {settings.Rule,-7} {settings.Distribution,-7} | {limit1,10:f1} {limit,6:f1} | {median[4],5:f1} {median[4] / limit1,6:p0} {median[4] / limit,6:p0} {median[9],6:f0} {median[10],6:f0} | {median[11],21:f1} {median[5],10:f1} {median[6],5:f1} | {median[7],12:f1} {median[8],9:f1} | {run.OverheadBytes,5:f1}"));
    }

    private static int Copy(Action<long[]> copy, long[] rows)
    {
        copy(rows);
        return rows.Length;
    }

    private static double Median(List<double> values)
    {
        values.Sort();
        return values[values.Count / 2];
    }
}
