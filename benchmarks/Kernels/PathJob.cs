using System.Diagnostics;
using System.Globalization;
using OpenEmbedding.Collectives;
using OpenEmbedding.EmbeddingPs.Client;
using OpenEmbedding.EmbeddingPs.Optimizers;
using OpenEmbedding.EmbeddingPs.Server;
using OpenEmbedding.EmbeddingPs.Tables;

namespace OpenEmbedding.Benchmarks.Kernels;

/// <summary>The path of a step between one trainer and one server, each a rank of an MPI job: pulls and pushes of distinct uniform keys.</summary>
internal sealed class PathJob(Communication communication)
{
    private const int Rows = 1_000_000;
    private const int Requests = 8;
    private const int WarmUp = 200;
    private const int Rounds = 400;

    private readonly ClusterLayout _layout = new([0], [1]);

    /// <summary>Runs this rank's part; rank 0 trains and prints.</summary>
    /// <param name="keysPerRequest">Distinct keys of a request.</param>
    /// <param name="dimensions">Weights per row; one table for each.</param>
    public void Run(int keysPerRequest, int[] dimensions)
    {
        if (communication.Size != 2)
        {
            throw new OpenEmbeddingException($"The path is measured on 2 ranks, not {communication.Size}.", JobExitCode.Cluster);
        }

        if (communication.Rank == 1)
        {
            new EmbeddingServer(communication.Messenger, _layout, 0).Run();
            return;
        }

        using var store = new EmbeddingClient(communication.Messenger, _layout, 0);
        TableOptions[] tables =
        [
            .. from dimension in dimensions
               from kind in Enum.GetValues<TableKind>()
               select new TableOptions
               {
                   Name = $"{kind} {dimension}",
                   Kind = kind,
                   Vocabulary = Rows,
                   Dimension = dimension,
                   Optimizer = new AdagradOptions(),
               },
        ];
        store.CreateTables(tables);
        Console.WriteLine($"one trainer, one server, {keysPerRequest} distinct uniform keys a request, {Rows} rows, Adagrad; M keys/s, median of {Rounds} requests");
        Console.WriteLine("table     bytes a row   pull alone   pull + push");
        long step = 0;
        for (int table = 0; table < tables.Length; table++)
        {
            Measure(store, table, tables[table], keysPerRequest, ref step);
        }
    }

    private static void Measure(EmbeddingClient store, int table, TableOptions options, int keysPerRequest, ref long step)
    {
        var plans = new KeyBatch[Requests];
        for (int i = 0; i < Requests; i++)
        {
            plans[i] = new KeyBatch();
            plans[i].Plan(DistinctKeys(keysPerRequest, options.Kind, seed: i), options.Kind, store.Shards);
        }

        using var rows = new NativeMemoryBlock((long)keysPerRequest * options.Dimension * sizeof(float));
        var pulls = new List<double>();
        var steps = new List<double>();
        for (int round = -WarmUp; round < Rounds; round++)
        {
            PullSection[] sections = [new(plans[(round & int.MaxValue) % Requests], [table])];
            long start = Stopwatch.GetTimestamp();
            using (var ticket = store.BeginPull(step, PullMode.Train, sections))
            {
                ticket.CopyRows(0, 0, rows.Address);
                store.Push(step++, [new GradientBlock(ticket, [[rows.Address]])]);
            }

            WaitForUpdate(store, step);
            Note(steps, round, start, keysPerRequest);
            start = Stopwatch.GetTimestamp();
            using (var ticket = store.BeginPull(step, PullMode.Evaluate, sections))
            {
                ticket.CopyRows(0, 0, rows.Address);
            }

            Note(pulls, round, start, keysPerRequest);
        }

        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{options.Name,-8} {options.Dimension * sizeof(float),12} {Median(pulls),12:f1} {Median(steps),13:f1}"));
    }

    // Otherwise a step would end before its gradients have arrived.
    private static void WaitForUpdate(EmbeddingClient store, long step)
    {
        using var ticket = store.BeginPull(step, PullMode.Evaluate, []);
        ticket.Wait();
    }

    private static long[] DistinctKeys(int count, TableKind kind, int seed)
    {
        var random = new Random(seed);
        var keys = new HashSet<long>();
        while (keys.Count < count)
        {
            long number = random.NextInt64(Rows);
            keys.Add(kind == TableKind.Array ? number : (long)((ulong)number * 0x9E3779B97F4A7C15 >> 2));
        }

        return [.. keys];
    }

    private static void Note(List<double> rates, int round, long start, int keys)
    {
        if (round >= 0)
        {
            rates.Add(keys / Stopwatch.GetElapsedTime(start).TotalSeconds / 1e6);
        }
    }

    private static double Median(List<double> values)
    {
        values.Sort();
        return values[values.Count / 2];
    }
}
