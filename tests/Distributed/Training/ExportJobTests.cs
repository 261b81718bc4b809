using System.Diagnostics;
using System.Globalization;
using OpenEmbedding.Collectives;

namespace OpenEmbedding.Distributed.Tests.Training;

/// <summary>When models and predictions are written, and what happens where they cannot be.</summary>
[Trait("Kind", "Job")]
public sealed class ExportJobTests : IDisposable
{
    private const string Python = "/usr/bin/python3";
    private readonly OeTrain _train = new();
    private readonly string _rows;
    private readonly string _test;

    public ExportJobTests()
    {
        _rows = _train.WriteRows("rows.txt", 1000);
        _test = _train.WriteRows("test.txt", 333, seed: 2);
    }

    public void Dispose() => _train.Dispose();

    private string[] Job =>
        ["--data", _rows, "--data.test", _test, "--data.vocabulary", "500", "--train.batch_size", "20", "--model.dnn_hidden_units", "16,8", "--optimizer.learning_rate", "0.05"];

    [Fact]
    public void ACheckpointIsTestedAndExportedWithoutTraining()
    {
        string[] trains = [.. Job, "--checkpoint", _train.In("epoch"), "--save", _train.In("model"), "--export", _train.In("1")];
        double[] expected = Predictions(3, trains);
        using var trained = new ExportedModel(_train.In("1"));
        float[] probabilities = trained.Predict(File.ReadLines(_test), batch: 333);

        Assert.Equal(expected, Predictions(4, [.. Job, "--load", _train.In("epoch"), "--epochs", "0", "--export", _train.In("2")]), Near);
        Assert.Equal(expected, Predictions(1, [.. Job, "--load", _train.In("model"), "--epochs", "0", "--export", _train.In("3"), "--train.batch_size", "7"]), Near);
        foreach (string version in (string[])["2", "3"])
        {
            using var loaded = new ExportedModel(_train.In(version));
            Assert.Equal(probabilities, loaded.Predict(File.ReadLines(_test), batch: 333));
        }
    }

    [Fact]
    public void PredictionsLeaveMalformedRowsOut()
    {
        string[] lines = File.ReadAllLines(_test);
        string broken = _train.Write("broken.txt", string.Join('\n', [.. lines[..50], "1\t2\t3", .. lines[50..]]) + "\n");
        double[] expected = Predictions(3, Job);

        Assert.Equal(333, expected.Length);
        Assert.Equal(expected, Predictions(3, [.. Job, "--data.test", broken, "--data.on_bad_row", "skip"]), Near);
    }

    [Fact]
    public void AFolderThatIsThereEndsTheJobBeforeTraining()
    {
        string folder = _train.In("1");
        Directory.CreateDirectory(folder);

        MpiJobResult result = OeTrain.Run(3, [.. Job, "--export", folder]);

        Assert.Equal(JobExitCode.Configuration, result.ExitCode);
        Assert.Contains($"oe-train: rank 0: {folder} is there already; remove it, or give output.export another folder", result.Error);
        Assert.DoesNotContain("epoch", result.Output);
        Assert.Empty(Directory.GetFileSystemEntries(folder));
    }

    [TmpfsFact]
    public void AFullDiskEndsTheJobAndLeavesNothing()
    {
        using var disk = Tmpfs.Mount(64 << 10);
        string folder = Path.Combine(disk.Folder, "criteo/1");

        MpiJobResult result = OeTrain.Run(3, [.. Job, "--export", folder]);

        Assert.Equal(JobExitCode.Failure, result.ExitCode);
        Assert.Contains($"oe-train: rank 0: the model cannot be exported to {folder}: ", result.Error);
        Assert.Empty(Directory.GetFileSystemEntries(Path.GetDirectoryName(folder)!));
    }

    [PythonOnnxTheory]
    [InlineData("xDeepFM", "array", "float32")]
    [InlineData("DeepFM", "hash", "float64")]
    public void OnnxItselfFindsNoFault(string model, string kind, string type)
    {
        string folder = _train.In("1");
        MpiJobResult trained = OeTrain.Run(
            2, [.. Job, "--model", model, "--model.dtype", type, "--embedding.kind", kind, "--model.cin_layer_size", "8,4", "--export", folder]);
        Assert.True(trained.ExitCode == 0, trained.ToString());

        string script = OeTrain.Example("check_export.py");
        Assert.Equal((0, ""), Check());
        File.AppendAllText(Path.Combine(folder, "model.onnx"), "x");
        Assert.Equal((1, $"{folder}/model.onnx does not have the checksum that model.json tells\n"), Check());

        (int ExitCode, string Error) Check()
        {
            using Process process = Process.Start(new ProcessStartInfo(Python, [script, folder]) { RedirectStandardError = true, RedirectStandardOutput = true })!;
            Task<string> output = process.StandardOutput.ReadToEndAsync();
            string error = process.StandardError.ReadToEnd();
            process.WaitForExit();
            output.Wait();
            return (process.ExitCode, error);
        }
    }

    private static bool Near(double expected, double actual) => Math.Abs(expected - actual) <= 1e-6;

    private double[] Predictions(int ranks, string[] arguments)
    {
        string path = _train.In("predictions.txt");
        MpiJobResult result = OeTrain.Run(ranks, [.. arguments, "--output.predictions", path]);
        Assert.True(result.ExitCode == 0, result.ToString());
        return [.. File.ReadLines(path).Select(line => double.Parse(line, CultureInfo.InvariantCulture))];
    }

    /// <summary>A test that calls the Python package onnx; skipped, with the reason, where the machine does not have it.</summary>
    private sealed class PythonOnnxTheoryAttribute : TheoryAttribute
    {
        private static readonly bool _isThere = IsThere();

        public PythonOnnxTheoryAttribute()
        {
            Skip = _isThere ? null : $"{Python} has no package onnx (python3-onnx)";
        }

        private static bool IsThere()
        {
            try
            {
                using Process process = Process.Start(new ProcessStartInfo(Python, ["-c", "import onnx"]) { RedirectStandardError = true })!;
                process.StandardError.ReadToEnd();
                process.WaitForExit();
                return process.ExitCode == 0;
            }
            catch (System.ComponentModel.Win32Exception)
            {
                return false;
            }
        }
    }
}
