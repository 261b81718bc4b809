using System.Globalization;
using System.Text.Json;

namespace OpenEmbedding.Distributed.Tests.Training;

/// <summary>Jobs that test while they train, and end when tests are no better.</summary>
[Trait("Kind", "Job")]
public sealed class EarlyStoppingJobTests : IDisposable
{
    private readonly OeTrain _train = new();

    public void Dispose() => _train.Dispose();

    [Fact]
    public void TrainingEndsBehindACheckpointAndPredictsAllTheSame()
    {
        string rows = _train.WriteRows("rows.txt", 400);
        string test = _train.WriteRows("test.txt", 101, seed: 2);
        string[] job =
        [
            "--data.train", rows, "--data.test", test, "--train.batch_size", "20", "--train.epochs", "50", "--train.test_every_steps", "4", "--optimizer.learning_rate", "0.3",
            "--early_stopping.patience", "2", "--early_stopping.min_delta", "0.001", "--output.progress", "lines", "--checkpoint", _train.In("saved"),
            "--output.predictions", _train.In("predictions.txt"), "--output.summary", _train.In("summary.json"), "--cluster.servers", "1", "--model.dnn_hidden_units", "8", "--train.test_group_by", "C1",
        ];

        MpiJobResult result = OeTrain.Run(3, job);

        Assert.Equal(0, result.ExitCode);
        Assert.Contains("epoch 1 step 4 test ", result.Output, StringComparison.Ordinal);
        Assert.Contains("training ends: 2 tests without a better auc than 0.", result.Output, StringComparison.Ordinal);
        JsonElement summary = JsonDocument.Parse(File.ReadAllText(_train.In("summary.json"))).RootElement;
        Assert.True(summary.GetProperty("stopped_early").GetBoolean());
        AssertGrouped(test, summary.GetProperty("test").GetProperty("groups"));
        long steps = summary.GetProperty("steps").GetInt64();
        Assert.InRange(steps, 12, 499);
        Assert.True(File.Exists(_train.In($"saved/step-{steps:D9}.json")));
        Assert.Equal(101, File.ReadLines(_train.In("predictions.txt")).Count());

        MpiJobResult again = OeTrain.Run(3, [.. job, "--load", _train.In("saved")]);

        Assert.Equal(0, again.ExitCode);
        Assert.Contains("training ends: 2 tests without a better auc than 0.", again.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("step 4 test", again.Output, StringComparison.Ordinal);
    }

    /// <summary>The predictions, which are those of the last test, by the value of C1 and by all pairs of rows.</summary>
    private void AssertGrouped(string test, JsonElement groups)
    {
        double[] scores = [.. File.ReadLines(_train.In("predictions.txt")).Select(line => double.Parse(line, CultureInfo.InvariantCulture))];
        var rows = File.ReadLines(test).Select((line, i) => (Label: line[0] == '1', Column: line.Split('\t')[14], Score: scores[i]));
        double sum = 0;
        int samples = 0, count = 0;
        foreach (var group in rows.GroupBy(row => row.Column))
        {
            double[] positives = [.. group.Where(row => row.Label).Select(row => row.Score)];
            double[] negatives = [.. group.Where(row => !row.Label).Select(row => row.Score)];
            if (positives.Length > 0 && negatives.Length > 0)
            {
                double area = positives.Sum(p => negatives.Sum(n => p > n ? 1 : p == n ? 0.5 : 0)) / (positives.Length * negatives.Length);
                sum += area * group.Count();
                samples += group.Count();
                count++;
            }
        }

        Assert.True(count > 3, $"{count} groups");
        Assert.Equal((count, samples), (groups.GetProperty("groups").GetInt32(), groups.GetProperty("samples").GetInt32()));
        Assert.Equal(sum / samples, groups.GetProperty("auc").GetDouble(), 1e-9);
    }
}
