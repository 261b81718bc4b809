using BenchmarkDotNet.Attributes;
using OpenEmbedding.EmbeddingPs.Tables;

namespace OpenEmbedding.Benchmarks.Kernels;

/// <summary>The kernels of a table, beside the limit: times per key of a batch.</summary>
public class KernelBenchmarks
{
    private KernelRun? _run;
    private CopyLimit? _limit;
    private long[][] _anyRows = [];
    private int _next;

    [ParamsAllValues]
    public TableKind Kind { get; set; }

    [Params(9, 64)]
    public int Dimension { get; set; }

    [Params(1_000_000, 10_000_000)]
    public long Rows { get; set; }

    [ParamsAllValues]
    public RuleName Rule { get; set; }

    [ParamsAllValues]
    public KeyDistribution Keys { get; set; }

    private KernelRun Run => _run ?? throw new InvalidOperationException("The table is not made yet.");

    private CopyLimit Limit => _limit ?? throw new InvalidOperationException("The array is not made yet.");

    [GlobalSetup(Targets = [nameof(Pull), nameof(Update), nameof(PushOfTrainers), nameof(PushOfIds), nameof(Plan), nameof(PlanForFourShards)])]
    public void CreateTable() => _run = new KernelRun(new TableSettings(Kind, Dimension, Rows, Rule, Keys));

    [GlobalSetup(Targets = [nameof(Copy), nameof(CopyWithPrefetch)])]
    public void CreateLimit()
    {
        int bytes = Dimension * sizeof(float);
        _limit = CopyLimit.OfOneGigabyte(bytes, TableBatch.Ids);
        var random = new KeyStream(KeyDistribution.Uniform, CopyLimit.RowsOfOneGigabyte(bytes), seed: 1);
        _anyRows = [.. Enumerable.Range(0, 8).Select(_ => random.Draw(TableBatch.Ids))];
    }

    [GlobalCleanup]
    public void Free()
    {
        _run?.Dispose();
        _limit?.Dispose();
    }

    [Benchmark(Baseline = true, OperationsPerInvoke = TableBatch.Ids)]
    public void CopyWithPrefetch() => Limit.CopyWithPrefetch(_anyRows[_next++ % _anyRows.Length]);

    [Benchmark(OperationsPerInvoke = TableBatch.Ids)]
    public void Copy() => Limit.Copy(_anyRows[_next++ % _anyRows.Length]);

    [Benchmark(OperationsPerInvoke = TableBatch.Ids)]
    public int Pull() => Run.Pull();

    // Of a batch's distinct keys, so the time per key is per id of the batch.
    [Benchmark(OperationsPerInvoke = TableBatch.Ids)]
    public int Update() => Run.Update();

    [Benchmark(OperationsPerInvoke = TableBatch.Ids)]
    public int PushOfTrainers() => Run.PushOfTrainers();

    [Benchmark(OperationsPerInvoke = TableBatch.Ids)]
    public int PushOfIds() => Run.PushOfIds();

    [Benchmark(OperationsPerInvoke = TableBatch.Ids)]
    public int Plan() => Run.Plan(1);

    [Benchmark(OperationsPerInvoke = TableBatch.Ids)]
    public int PlanForFourShards() => Run.Plan(4);
}
