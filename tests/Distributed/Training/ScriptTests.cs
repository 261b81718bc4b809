using System.Globalization;
using System.Text.RegularExpressions;

namespace OpenEmbedding.Distributed.Tests.Training;

/// <summary>Scripts that mirror OpenEmbedding's, started as people start them, on few rows.</summary>
[Trait("Kind", "Long")]
public sealed partial class ScriptTests : IDisposable
{
    private readonly OeTrain _train = new();

    public void Dispose() => _train.Dispose();

    [Fact]
    public void PreprocessGoesFromRawRowsToATestedModel()
    {
        string output = Run("criteo_preprocess.sh", _train.WriteRows("rows.txt", 3000), "--epochs", "3", "--optimizer.learning_rate", "0.05", "--export", _train.In("model"));

        Match test = Assert.Single(LastTest().Matches(output));
        Assert.InRange(double.Parse(test.Groups[1].Value, CultureInfo.InvariantCulture), 0.65, 1);
        Assert.True(File.Exists(_train.In("model/model.onnx")));
    }

    [Fact]
    public void CheckpointGoesOnFromTheLastEpoch()
    {
        string output = Run("criteo_deepctr_checkpoint.sh", data: null, "--data", _train.WriteRows("rows.txt", 3000), "--output.progress", "lines");

        int second = output.IndexOf("== from the newest checkpoint", StringComparison.Ordinal);
        Assert.Equal(["1", "2", "3", "4"], Epochs(output[..second]));
        Assert.Equal(["5", "6"], Epochs(output[second..]));
    }

    private static string Run(string script, string? data, params string[] arguments)
    {
        var environment = new Dictionary<string, string?> { ["DATA"] = data };
        using MpiJob job = MpiJob.Start([Path.Combine(OeTrain.Root, "scripts", script), .. arguments], environment, OeTrain.Limit);
        MpiJobResult result = job.WaitForExit();
        Assert.True(result.ExitCode == 0, result.ToString());
        return result.Output;
    }

    private static IEnumerable<string> Epochs(string output) => EpochTrained().Matches(output).Select(match => match.Groups[1].Value);

    [GeneratedRegex("^epoch 3 test .*auc ([0-9.]+)", RegexOptions.Multiline)]
    private static partial Regex LastTest();

    [GeneratedRegex("^epoch ([0-9]+) train ", RegexOptions.Multiline)]
    private static partial Regex EpochTrained();
}
