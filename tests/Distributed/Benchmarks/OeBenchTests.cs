using System.Text.Json;
using OpenEmbedding.Distributed.Tests.Training;

namespace OpenEmbedding.Distributed.Tests.Benchmarks;

/// <summary><c>oe-bench</c> with real jobs, as small as they get.</summary>
[Trait("Kind", "Job")]
public sealed class OeBenchTests : IDisposable
{
    private readonly OeTrain _train = new();

    public void Dispose() => _train.Dispose();

    [Fact]
    public void A_case_gives_table_file_and_chart()
    {
        MpiJobResult result = Run("--strategies", "ps,ceiling");
        Assert.True(result.ExitCode == 0, result.ToString());
        Assert.Contains("| WDL 4 |     2 | 1 k |", result.Output);
        Assert.Equal([0x89, (byte)'P', (byte)'N', (byte)'G'], File.ReadAllBytes(_train.In("out/chart.png"))[..4]);
        Assert.EndsWith(File.ReadAllText(_train.In("out/table.md")), result.Output.ReplaceLineEndings("\n"));
        JsonElement figures = JsonDocument.Parse(File.ReadAllText(_train.In("out/results.json"))).RootElement.GetProperty("results")[0];
        Assert.Equal(2, figures.GetProperty("ps").GetProperty("trainers").GetInt32());
        Assert.True(figures.GetProperty("ceiling").GetProperty("median").GetDouble() > 0);
        Assert.Single(Directory.GetFiles(_train.In("data")));
    }

    [Fact]
    public void A_job_that_fails_is_told_and_fails_the_benchmark()
    {
        MpiJobResult result = Run("--strategies", "allreduce", "--", "--train.batch_sise", "1");
        Assert.Equal(1, result.ExitCode);
        Assert.Contains("allreduce: failed: exit code 2: oe-train: command line: --train.batch_sise is not a known option", result.Output);
    }

    private MpiJobResult Run(params string[] arguments) => MpiJob.Run(
        0,
        OeTrain.BenchProgram,
        [
            "--models", "WDL:4", "--ranks", "2", "--vocabulary", "1000", "--rows", "50", "--batch", "16", "--repeats", "1", "--seconds", "0.1",
            "--data", _train.In("data"), "--out", _train.In("out"), .. arguments,
        ],
        timeout: OeTrain.Limit);
}
