using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.Emit;
using OpenEmbedding.Benchmarks.Kernels;
using OpenEmbedding.Collectives;
using OpenEmbedding.EmbeddingPs.Tables;

// dotnet run -c Release --project benchmarks/Kernels -- …; README.md tells the commands.
if (args is ["--path", ..])
{
    // Under mpirun: "--path 13000 9 64", keys a request and weights a row.
    int[] numbers = Array.ConvertAll(args[1..], int.Parse);
    return Communication.Run(communication =>
    {
        new PathJob(communication).Run(numbers[0], numbers[1..]);
        return JobExitCode.Success;
    });
}

if (args is ["--tiered", var rowCount, var weights, var cacheMb, var folder])
{
    TieredRun.Print(long.Parse(rowCount), int.Parse(weights), int.Parse(cacheMb), folder);
    return 0;
}

if (args is ["--checkpoint", var savedRows, var savedWeights, var savedFolder])
{
    CheckpointRun.Print(long.Parse(savedRows), int.Parse(savedWeights), savedFolder);
    return 0;
}

if (args is ["--growth", var tableRows, var width])
{
    GrowthRun.Print(long.Parse(tableRows), int.Parse(width));
    return 0;
}

if (args is not ["--quick", ..])
{
    // In this process: a project of its own for each case would build for longer than it measures.
    var job = Job.Default.WithToolchain(InProcessEmitToolchain.Instance).WithWarmupCount(3).WithIterationCount(10);
    BenchmarkSwitcher.FromAssembly(typeof(Program).Assembly).Run(args, DefaultConfig.Instance.AddJob(job));
    return 0;
}

// Words of a line must all be named by its settings: "--quick hash 64 zipf".
string[] words = args[1..];
var all =
    from rows in new[] { 1_000_000L, 10_000_000L }
    from dimension in new[] { 9, 64 }
    from rule in Enum.GetValues<RuleName>()
    from kind in Enum.GetValues<TableKind>()
    from distribution in Enum.GetValues<KeyDistribution>()
    select new TableSettings(kind, dimension, rows, rule, distribution);
QuickTable.Print(all.Where(settings => words.All(word => Has(settings, word))), rounds: 30);
return 0;

static bool Has(TableSettings settings, string word) => new[]
{
    $"{settings.Kind}", $"{settings.Dimension}", $"{settings.Rows:0e0}", $"{settings.Rule}", $"{settings.Distribution}",
}.Contains(word, StringComparer.OrdinalIgnoreCase);
