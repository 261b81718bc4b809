using BenchmarkDotNet.Running;
using OpenEmbedding.Benchmarks.Kernels;
using OpenEmbedding.EmbeddingPs.Tables;

// dotnet run -c Release --project benchmarks/Kernels -- …; README.md tells the commands.
if (args is not ["--quick", ..])
{
    BenchmarkSwitcher.FromAssembly(typeof(Program).Assembly).Run(args);
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
