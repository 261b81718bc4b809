using System.Diagnostics;
using System.Globalization;
using System.Text.Json;

namespace OpenEmbedding.Distributed.Tests.Training;

/// <summary>Jobs that are watched, by what reads their outputs.</summary>
[Trait("Kind", "Job")]
public sealed class ObservationTests : IDisposable
{
    private readonly OeTrain _train = new();

    public void Dispose() => _train.Dispose();

    [Fact]
    public void EventsAreReadByPythonAndTheOtherOutputsAreThere()
    {
        string[] job =
        [
            "--data.train", _train.WriteRows("rows.txt", 400), "--data.test", _train.WriteRows("test.txt", 101, seed: 2), "--train.batch_size", "20", "--train.epochs", "2",
            "--train.test_every_steps", "4", "--cluster.servers", "1", "--model.dnn_hidden_units", "8", "--schedule.warmup_steps", "10", "--cluster.hot_rows", "50",
            "--output.tensorboard", _train.In("events"), "--output.curve_every", "3", "--output.metrics_port", "0", "--report", _train.In("report.html"), "--output.progress", "lines",
            "--profile", _train.In("timeline.json"), "--cluster.timeline_from", "3", "--cluster.timeline_steps", "2",
        ];

        MpiJobResult result = OeTrain.Run(3, job);

        Assert.True(result.ExitCode == 0, result.ToString());
        Assert.Contains("metrics: http://127.0.0.1:", result.Output, StringComparison.Ordinal);
        Assert.Contains("<td>wait for rows</td>", File.ReadAllText(_train.In("report.html")), StringComparison.Ordinal);
        (long Step, string Tag, string Value)[] values = Read(_train.In("events"));
        Assert.Equal([4L, 7, 10, 13, 16, 19], Steps("train/logloss"));
        Assert.Equal([10L, 20], Steps("epoch/auc"));
        Assert.Equal([4L, 8, 10, 12, 16, 20], Steps("test/auc"));
        Assert.Equal("0.001", values.First(value => value.Tag == "learning_rate/rows" && value.Step == 13).Value[..5]);
        Assert.Contains(values, value => value.Tag == "row_norms/embedding/C26" && value.Value.Contains(" values, ", StringComparison.Ordinal));

        // Steps 3 and 4 of two trainers and a server.
        using JsonDocument timeline = JsonDocument.Parse(File.ReadAllBytes(_train.In("timeline.json")));
        string?[] events = [.. timeline.RootElement.GetProperty("traceEvents").EnumerateArray().Select(item => item.GetProperty("name").GetString())];
        Assert.Equal((4, 2), (events.Count(name => name == "forward"), events.Count(name => name == "apply step")));

        long[] Steps(string tag) => [.. values.Where(value => value.Tag == tag).Select(value => value.Step)];
    }

    [Fact]
    public void AFolderThatCannotBeMadeIsOneLine()
    {
        MpiJobResult result = OeTrain.Run(1, "--data.train", _train.WriteRows("rows.txt", 40), "--output.tensorboard", _train.Write("file", "") + "/events");

        Assert.Equal(1, result.ExitCode);
        Assert.Contains("file/events", Assert.Single(result.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries)), StringComparison.Ordinal);
    }

    private static (long Step, string Tag, string Value)[] Read(string folder)
    {
        using var python = Process.Start(new ProcessStartInfo("python3", [OeTrain.Example("read_events.py"), folder]) { RedirectStandardOutput = true })!;
        string text = python.StandardOutput.ReadToEnd();
        python.WaitForExit();
        Assert.Equal(0, python.ExitCode);
        return [.. text.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.Split('\t'))
            .Select(words => (long.Parse(words[0], CultureInfo.InvariantCulture), words[1], words[2]))];
    }
}
