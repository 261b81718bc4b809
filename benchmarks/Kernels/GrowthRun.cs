using System.Diagnostics;
using System.Globalization;
using OpenEmbedding.Collectives;
using OpenEmbedding.EmbeddingPs.Client;
using OpenEmbedding.EmbeddingPs.Growth;
using OpenEmbedding.EmbeddingPs.Tables;

namespace OpenEmbedding.Benchmarks.Kernels;

/// <summary>Measures a hash table with bounded growth beside the same table without, batch by batch in turn, and what bounding costs besides.</summary>
internal static class GrowthRun
{
    private const int WarmUp = 100;
    private const int Rounds = 100;
    private const int Never = int.MaxValue;

    private static readonly WireFormat _format = WireFormat.OfWeights(ElementType.Float32, null);

    /// <summary>Prints the figures of a table with Zipf keys and Adagrad.</summary>
    /// <param name="rows">Rows, all of which exist.</param>
    /// <param name="dimension">Weights per row.</param>
    public static void Print(long rows, int dimension)
    {
        var settings = new TableSettings(TableKind.Hash, dimension, rows, RuleName.Adagrad, KeyDistribution.Zipf);
        using var weights = new NativeMemoryBlock((long)TableBatch.Ids * settings.WeightBytes);
        PrintSteps(settings, weights.Address);
        PrintSweeps(settings);
        PrintCandidates(settings, weights.Address);
        PrintLimit(settings, weights.Address);
    }

    private static void PrintSteps(TableSettings settings, nint weights)
    {
        using var free = (HashTable)settings.CreateTable();
        using var bounded = (HashTable)settings.CreateTable(new GrowthOptions { MaxIdleSteps = Never, SweepEverySteps = Never });
        bounded.Step = 1;
        var stream = new KeyStream(KeyDistribution.Zipf, settings.Rows, 1);
        var plan = new KeyBatch();
        List<double>[] pulls = [[], []];
        List<double>[] pushes = [[], []];
        for (int round = -WarmUp; round < Rounds; round++)
        {
            plan.Plan(Array.ConvertAll(stream.Draw(TableBatch.Ids), settings.KeyOf), TableKind.Hash, 1);
            long[] found = new long[plan.Count];
            double[] pull = [Time(() => PullFree(free, plan, found, weights)), Time(() => PullBounded(bounded, plan, found, weights))];
            double[] push = [Time(() => free.Apply(Find(free, plan, found), weights)), Time(() => PushBounded(bounded, plan, Find(bounded, plan, found), weights))];
            for (int i = 0; i < 2 && round >= 0; i++)
            {
                pulls[i].Add(pull[i]);
                pushes[i].Add(push[i]);
            }
        }

        Write($"{settings.Rows} rows × {settings.Dimension}, Adagrad, {plan.Count} distinct Zipf keys a step; ms, median of {Rounds}");
        Write($"without bounds: pull {Median(pulls[0]):f2}, push {Median(pushes[0]):f2}, {free.StoredBytes} bytes a row");
        Write($"rows with ages: pull {Median(pulls[1]):f2}, push {Median(pushes[1]):f2}, {bounded.StoredBytes} bytes a row");
    }

    private static void PrintSweeps(TableSettings settings)
    {
        var idle = new List<double>();
        using (var table = (HashTable)settings.CreateTable(new GrowthOptions { MaxIdleSteps = Never, SweepEverySteps = 1 }))
        {
            for (int sweep = 0; sweep < 10; sweep++)
            {
                idle.Add(Time(table.EndStep));
            }
        }

        // The second time it is warm.
        double evict = 0;
        long evicted = 0;
        for (int time = 0; time < 2; time++)
        {
            using var full = (HashTable)settings.CreateTable(new GrowthOptions { MaxRows = settings.Rows - 1, WhenFull = FullTable.Evict, SweepEverySteps = 1 });
            evict = Time(full.EndStep);
            evicted = full.RowsRemoved;
        }

        Write($"sweep that finds nothing: {Median(idle):f1} ms; one that evicts {evicted} rows of one age: {evict:f1} ms");
    }

    private static void PrintCandidates(TableSettings settings, nint weights)
    {
        using var table = (HashTable)settings.CreateTable(new GrowthOptions { MinCount = 2, MaxCandidates = settings.Rows });
        long before = table.MemoryBytes;
        long next = settings.Rows;
        var times = new List<double>();
        for (int round = 0; round < Rounds; round++)
        {
            var plan = NewKeys(settings, ref next);
            times.Add(Time(() => PushBounded(table, plan, new long[plan.Count], weights, known: false)));
        }

        Write($"keys never seen, min_count 2: {TableBatch.Ids / Median(times) / 1e3:f1} M candidates/s, {(table.MemoryBytes - before) / 1048576.0:f0} MiB for at most {settings.Rows} of them");
    }

    private static void PrintLimit(TableSettings settings, nint weights)
    {
        using var table = (HashTable)settings.CreateTable(new GrowthOptions { MaxRows = settings.Rows, WhenFull = FullTable.Evict, SweepEverySteps = 1 });
        long next = settings.Rows;
        long most = 0;
        double seconds = 0;
        int steps = (int)Math.Max(Rounds, 10 * settings.Rows / TableBatch.Ids);
        for (int step = 1; step <= steps; step++)
        {
            table.Step = step;
            var plan = NewKeys(settings, ref next);
            seconds += Time(() => PushBounded(table, plan, new long[plan.Count], weights, known: false)) / 1e3;
            most = Math.Max(most, table.MemoryBytes);
        }

        Write($"{next - settings.Rows} keys never seen into a table of at most {settings.Rows} rows, a sweep each step: {(next - settings.Rows) / seconds / 1e6:f1} M rows/s, at most {most / 1048576.0:f0} MiB, {table.RowCount} rows at the end");
    }

    private static KeyBatch NewKeys(TableSettings settings, ref long next)
    {
        long first = next;
        next += TableBatch.Ids;
        var plan = new KeyBatch();
        plan.Plan([.. Enumerable.Range(0, TableBatch.Ids).Select(i => settings.KeyOf(first + i))], TableKind.Hash, 1);
        return plan;
    }

    private static void PullFree(HashTable table, KeyBatch plan, long[] rows, nint weights)
    {
        table.FindOrAdd(plan.Keys, rows);
        table.Gather(rows, weights);
    }

    private static void PullBounded(HashTable table, KeyBatch plan, long[] rows, nint weights)
    {
        table.Find(plan.Keys, rows);
        table.Gather(plan.Keys, rows, weights, _format);
    }

    private static long[] Find(HashTable table, KeyBatch plan, long[] rows)
    {
        table.Find(plan.Keys, rows);
        return rows;
    }

    private static void PushBounded(HashTable table, KeyBatch plan, long[] rows, nint weights, bool known = true)
    {
        if (!known)
        {
            table.Find(plan.Keys, rows);
        }

        using var sums = known ? null : new GradientAccumulator(table);
        table.Admit(plan.Keys, rows);
        if (sums is null)
        {
            table.Apply(rows, weights);
        }
        else
        {
            sums.Add(rows, weights);
            sums.Apply();
        }

        table.EndStep();
    }

    private static double Time(Action action)
    {
        long start = Stopwatch.GetTimestamp();
        action();
        return Stopwatch.GetElapsedTime(start).TotalMilliseconds;
    }

    private static double Median(List<double> values)
    {
        values.Sort();
        return values[values.Count / 2];
    }

    private static void Write(FormattableString line) => Console.WriteLine(line.ToString(CultureInfo.InvariantCulture));
}
