using System.Globalization;

namespace OpenEmbedding.Distributed.Tests.Training;

/// <summary>Real jobs that change their settings while they train.</summary>
[Trait("Kind", "Job")]
public sealed class AutotuneTests : IDisposable
{
    private const int Samples = 24;
    private readonly OeTrain _train = new();
    private readonly string _rows;

    public AutotuneTests() => _rows = _train.WriteRows("rows.txt", 9000);

    /// <summary>Cycle time and prefetch change neither which batch is trained when nor the order of additions.</summary>
    [Theory]
    [Trait("Kind", "Long")]
    [InlineData(0, "--cluster.servers", "1")]
    [InlineData(0, "--cluster.servers", "colocated")]
    [InlineData(1e-9, "--cluster.strategy", "allreduce")]
    public void The_weights_are_those_of_the_same_job_without(double limit, params string[] more) => AssertSameWeights(limit, more);

    [Fact]
    public void Settings_given_stay_and_the_first_trainer_says_what_became_of_the_search()
    {
        MpiJobResult result = OeTrain.Run(
            3, [.. Job("--cluster.cycle_time_ms", "0.5", "--cluster.fusion_buffer_mb", "8"), .. Autotune("log.csv"), "--output.progress", "lines"]);

        Assert.True(result.ExitCode == 0, result.ToString());
        Assert.Single(result.Output.Split('\n'), line => line.StartsWith("autotune: fusion 8 MiB, cycle 0.5 ms, prefetch ", StringComparison.Ordinal));
        Assert.All(Log("log.csv"), line => Assert.Equal(("8", "0.5"), (line[1], line[2])));
    }

    [Fact]
    public void A_log_that_cannot_be_written_is_one_line()
    {
        MpiJobResult result = OeTrain.Run(3, [.. Job(), "--autotune.enabled", "true", "--autotune.log", _rows + "/log.csv"]);

        Assert.NotEqual(0, result.ExitCode);
        Assert.Single(result.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries), line => line.StartsWith("oe-train: ", StringComparison.Ordinal));
    }

    public void Dispose() => _train.Dispose();

    private void AssertSameWeights(double limit, params string[] more)
    {
        Weights without = _train.Weights(3, Job(more));
        Weights with = _train.Weights(3, [.. Job(more), .. Autotune("log.csv")]);

        Assert.InRange(with.DistanceTo(without), 0, limit);
        string[][] lines = Log("log.csv");
        Assert.InRange(lines.Length, 2, Samples + 1);
        Assert.Equal(Enumerable.Range(1, lines.Length), lines.Select(line => int.Parse(line[0], CultureInfo.InvariantCulture)));
        Assert.True(lines.Select(line => string.Join(',', line[1..4])).Distinct().Count() > 1, "no setting was changed");
        Assert.All(lines[..^1], line => Assert.Equal(("2", "0"), (line[4], line[6])));
        Assert.Equal("1", lines[^1][6]);
    }

    private string[][] Log(string name) => [.. File.ReadAllLines(_train.In(name)).Skip(1).Select(line => line.Split(','))];

    private string[] Autotune(string log) =>
    [
        "--autotune.enabled", "true", "--autotune.log", _train.In(log), "--autotune.warmup_steps", "2", "--autotune.steps_per_sample", "2",
        "--autotune.max_samples", Samples.ToString(CultureInfo.InvariantCulture),
    ];

    private string[] Job(params string[] more) =>
    [
        "--data.train", _rows, "--model.name", "DeepFM", "--model.dtype", "float64", "--model.dnn_hidden_units", "16,8", "--data.vocabulary", "1000",
        "--train.batch_size", "8", "--train.epochs", "2", .. more,
    ];
}
