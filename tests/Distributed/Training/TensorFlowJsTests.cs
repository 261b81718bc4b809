using System.Diagnostics;
using System.Globalization;
using System.Text.Json;

namespace OpenEmbedding.Distributed.Tests.Training;

/// <summary>
/// An exported SavedModel, read and computed by TensorFlow.js, gives the probabilities of the trainer's own evaluation. See <c>TensorFlowJs/judge.mjs</c>.
/// </summary>
[Trait("Kind", "Long")]
public sealed class TensorFlowJsTests(TensorFlowJs judge) : IClassFixture<TensorFlowJs>, IDisposable
{
    private const double Tolerance = 1e-5;
    private const int Rows = 3000;
    private const int TestRows = 201;

    // What TensorFlow.js lacks, as it has no 64-bit integers; all else of a model it computes itself.
    private static readonly string[] _keys = ["AddV2", "ConcatV2", "FloorMod", "GatherV2", "Reshape"];
    private static readonly string[] _hashedKeys = ["AddV2", "ConcatV2", "Equal", "GatherV2", "Less", "LowerBound", "Minimum", "Reshape", "SelectV2", "Shape", "Sub"];

    private readonly OeTrain _train = new();

    public void Dispose() => _train.Dispose();

    [NodeTheory]
    [InlineData("LR", "array")]
    [InlineData("LR", "hash")]
    [InlineData("WDL", "array")]
    [InlineData("WDL", "hash")]
    [InlineData("DeepFM", "array")]
    [InlineData("DeepFM", "hash")]
    [InlineData("xDeepFM", "array")]
    [InlineData("xDeepFM", "hash")]
    [InlineData("DCN-v2", "array")]
    [InlineData("AutoInt", "hash")]
    [InlineData("FiBiNET", "array")]
    [InlineData("DLRM", "hash")]
    public void PredictsAsTheTrainer(string model, string kind)
    {
        string data = OeTrain.RealData ?? _train.WriteRows("rows.txt", Rows);
        string[] job =
        [
            "--data.train.files", data, "--data.train.rows", $"0-{Rows - 1}", "--data.test.files", data, "--data.test.rows", $"{Rows - TestRows}-{Rows - 1}",
            "--model", model, "--model.dnn_hidden_units", "32,16", "--model.cin_layer_size", "8,6", "--model.bottom_hidden_units", "16",
            "--embedding.kind", kind, "--embedding.initializer.stddev", "0.3", "--optimizer.learning_rate", "0.05", "--train.batch_size", "64",
        ];
        string[][] fields = [.. File.ReadLines(data).Skip(Rows - TestRows).Take(TestRows).Select(line => line.Split('\t'))];
        var columns = new Dictionary<string, string[]>();
        for (int column = 1; column <= 13; column++)
        {
            columns.Add($"I{column}", [.. fields.Select(row => row[column].Length == 0 ? "0" : row[column])]);
        }

        for (int column = 1; column <= 26; column++)
        {
            columns.Add($"C{column}", [.. fields.Select(row => row[13 + column]).Select(text => text.Length == 0 ? "-1" : $"{long.Parse(text, NumberStyles.HexNumber)}")]);
        }

        AssertPredicts(job, columns, kind == "array" ? _keys : _hashedKeys);
    }

    /// <summary>Fields of several categories, combined.</summary>
    [NodeFact]
    public void PredictsFieldsOfSeveralCategories()
    {
        var random = new Random(3);
        string[][] tags = [.. Enumerable.Range(0, TestRows).Select(_ => Enumerable.Range(0, random.Next(4)).Select(_ => $"{random.Next(20)}").ToArray())];
        string rows = _train.Write(
            "rows.csv", "label,price,item,tags\n" + string.Concat(tags.Select((ofRow, i) => $"{(ofRow.Contains("3") || i % 3 == 0 ? 1 : 0)},{i % 7},{i % 11},{string.Join('|', ofRow)}\n")));
        string[] job =
        [
            "--data", rows, "--data.test", rows, "--data.dense", "price", "--data.sparse", """[{"name": "item", "dimension": 2}, {"name": "tags", "max_length": 3}]""", "--embedding.initializer.stddev", "0.3",
            "--optimizer.learning_rate", "0.1", "--train.batch_size", "20",
        ];
        var columns = new Dictionary<string, string[]>
        {
            ["price"] = [.. tags.Select((_, i) => $"{i % 7}")],
            ["item"] = [.. tags.Select((_, i) => $"{i % 11}")],
            ["tags"] = [.. tags.SelectMany(ofRow => ofRow.Concat(["-1", "-1", "-1"]).Take(3))],
        };

        AssertPredicts(job, columns, [.. _keys, "Abs", "Cast", "Sign", "StridedSlice", "Sub", "Sum"]);
    }

    private void AssertPredicts(string[] job, Dictionary<string, string[]> columns, string[] own)
    {
        string folder = _train.In("model/1"), predictions = _train.In("predictions.txt");
        _train.Summary(1, [.. job, "--export", folder, "--output.predictions", predictions]);
        double[] expected = [.. File.ReadLines(predictions).Select(line => double.Parse(line, CultureInfo.InvariantCulture))];

        JsonElement answer = judge.Compute(folder, _train.Write("inputs.json", JsonSerializer.Serialize(columns)));

        double[] actual = [.. answer.GetProperty("outputs").EnumerateArray().Select(number => number.GetDouble())];
        Assert.True(expected.Max() - expected.Min() > 0.1, "the rows do not differ");
        Assert.Equal(TestRows, actual.Length);
        Assert.All(expected.Zip(actual), pair => Assert.Equal(pair.First, pair.Second, Tolerance));
        Assert.Empty(answer.GetProperty("own").EnumerateArray().Select(op => op.GetString()!).Except(own));
    }
}

/// <summary>TensorFlow.js in a folder of its own, from npm's registry by the versions of its lock file.</summary>
public sealed class TensorFlowJs : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("oe-tfjs-").FullName;
    private bool _isInstalled;

    /// <summary>What the judge prints of a SavedModel and a file of inputs.</summary>
    internal JsonElement Compute(string model, string inputs)
    {
        if (!_isInstalled)
        {
            foreach (string file in Directory.GetFiles(Path.Combine(OeTrain.Root, "tests/Distributed/TensorFlowJs")))
            {
                File.Copy(file, Path.Combine(_folder, Path.GetFileName(file)));
            }

            Run("npm", "ci", "--no-audit", "--no-fund");
            _isInstalled = true;
        }

        return JsonDocument.Parse(Run("node", "judge.mjs", model, inputs)).RootElement;
    }

    /// <inheritdoc/>
    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private string Run(string program, params string[] arguments)
    {
        using Process process = Process.Start(new ProcessStartInfo(program, arguments) { WorkingDirectory = _folder, RedirectStandardOutput = true, RedirectStandardError = true })!;
        Task<string> errors = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, $"{program} ended with {process.ExitCode}\n{output}{errors.Result}");
        return output;
    }
}

/// <summary>A test that needs Node.js and npm.</summary>
public sealed class NodeFactAttribute : FactAttribute
{
    public NodeFactAttribute() => Skip = Missing;

    internal static string? Missing => new[] { "node", "npm" }.All(program => Environment.GetEnvironmentVariable("PATH")!.Split(':').Any(folder => File.Exists(Path.Combine(folder, program))))
        ? null
        : "there is no Node.js with npm on PATH";
}

/// <summary>As <see cref="NodeFactAttribute"/>.</summary>
public sealed class NodeTheoryAttribute : TheoryAttribute
{
    public NodeTheoryAttribute() => Skip = NodeFactAttribute.Missing;
}
