using System.Text.Json;
using OpenEmbedding.Benchmarks.Cluster.Results;
using OpenEmbedding.Trainer.Configuration;

namespace OpenEmbedding.Benchmarks.Cluster.Tests;

public sealed class ResultTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("oe-bench-").FullName;

    private static IReadOnlyList<CaseResult> Results { get; } =
    [
        Result(new Workload(ModelName.WDL, 9), 2, [20_000, 22_000, 21_000], [18_000, 19_000, 18_500], [9_000], [10_000, 14_000]),
        Result(new Workload(ModelName.WDL, 9), 8, [30_000], [24_000], [], [6_000]),
        Result(new Workload(ModelName.XDeepFM, 64), 2, [1_000], [900], [300], [450]),
    ];

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData(new double[] { 3 }, 3.0, 0.0)]
    [InlineData(new double[] { 4, 2 }, 3.0, 2 / 3.0)]
    [InlineData(new double[] { 9, 1, 5 }, 5.0, 8 / 5.0)]
    public void Median_and_spread_are_those_of_the_runs(double[] values, double median, double spread)
    {
        Assert.Equal(median, Statistics.Median(values));
        Assert.Equal(spread, Statistics.Spread(values));
    }

    [Fact]
    public void Of_no_runs_there_is_no_median()
    {
        Assert.Null(Statistics.Median([]));
        Assert.Null(Statistics.Spread([]));
        Assert.Null(Statistics.Largest(null, null));
        Assert.Equal(2, Statistics.Largest(null, 2));
        Assert.Equal(3, Statistics.Largest(3, 2));
    }

    [Fact]
    public void Ratios_are_those_of_the_medians()
    {
        CaseResult result = Results[0];
        Assert.Equal(12_000, result.Baseline);
        Assert.Equal(18_500 / 12_000.0, result.PsToBaseline);
        Assert.Equal(18_500 / 21_000.0, result.PsToCeiling);
        Assert.Equal(21_000 / 12_000.0, result.CeilingToBaseline);
        Assert.Equal(6_000, Results[1].Baseline);
        Assert.Null(result.PsToPyTorch);
    }

    [Fact]
    public void The_table_is_aligned_and_says_what_failed()
    {
        Assert.Equal(
            """
            | model      | ranks | ids |   ceiling |        ps | allreduce |  allgather | ps ÷ baseline | ceiling ÷ baseline | ps ÷ ceiling |
            | ---------- | ----: | --: | --------: | --------: | --------: | ---------: | ------------: | -----------------: | -----------: |
            | WDL 9      |     2 | 5 M | 21.0 ±5 % | 18.5 ±3 % |       9.0 | 12.0 ±17 % |          1.54 |               1.75 |         0.88 |
            | WDL 9      |     8 | 5 M |      30.0 |      24.0 |    failed |        6.0 |          4.00 |               5.00 |         0.80 |
            | xDeepFM 64 |     2 | 5 M |       1.0 |       0.9 |       0.3 |        0.5 |          2.00 |               2.22 |         0.90 |

            """,
            ResultTable.Write(Results));
    }

    [Fact]
    public void The_file_holds_figures_settings_and_machine()
    {
        var options = new BenchOptions { Zipf = 0.9, TrainerOptions = ["--train.prefetch", "2"] };
        string text = ResultFile.Write(options, Machine.Describe(), new DateTime(2026, 1, 2, 3, 4, 5, DateTimeKind.Utc), Results);
        JsonElement root = JsonDocument.Parse(text).RootElement;
        Assert.Equal("2026-01-02T03:04:05Z", root.GetProperty("started").GetString());
        Assert.Equal(Environment.ProcessorCount, root.GetProperty("machine").GetProperty("cores").GetInt32());
        Assert.NotEmpty(root.GetProperty("machine").GetProperty("cpu").GetString()!);
        JsonElement settings = root.GetProperty("settings");
        Assert.Equal((0.9, 5_000_000), (settings.GetProperty("zipf").GetDouble(), settings.GetProperty("vocabulary").GetInt32()));
        Assert.Equal(2, settings.GetProperty("trainer_options").GetArrayLength());
        JsonElement first = root.GetProperty("results")[0];
        Assert.Equal(("WDL", 9, 2), (first.GetProperty("model").GetString(), first.GetProperty("dimension").GetInt32(), first.GetProperty("ranks").GetInt32()));
        Assert.Equal(18_500, first.GetProperty("ps").GetProperty("median").GetDouble());
        Assert.Equal([18_000, 19_000, 18_500], first.GetProperty("ps").GetProperty("samples_per_second").EnumerateArray().Select(speed => speed.GetInt32()));
        Assert.Equal(18_500 / 12_000.0, first.GetProperty("ps_to_baseline").GetDouble());
        Assert.Equal("exit code 9", root.GetProperty("results")[1].GetProperty("allreduce").GetProperty("problem").GetString());
    }

    [Fact]
    public void The_chart_is_a_picture()
    {
        string path = Path.Combine(_folder, "chart.png");
        Chart.Write(path, Results);
        byte[] file = File.ReadAllBytes(path);
        Assert.Equal([0x89, (byte)'P', (byte)'N', (byte)'G'], file[..4]);
        Assert.InRange(file.Length, 10_000, 1_000_000);
    }

    private static CaseResult Result(Workload workload, int ranks, double[] ceiling, double[] ps, double[] allReduce, double[] allGather) => new(
        new Case(workload, ranks, 5_000_000),
        [Runs(Contender.Ceiling, ceiling), Runs(Contender.Ps, ps), Runs(Contender.AllReduce, allReduce), Runs(Contender.AllGather, allGather)]);

    private static Runs Runs(Contender contender, double[] speeds) =>
        new(contender, speeds, [.. speeds.Select(_ => 10)], 2, 2, 1 << 20, speeds.Length == 0 ? "exit code 9" : null);
}
