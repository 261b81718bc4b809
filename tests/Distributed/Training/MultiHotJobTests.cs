using System.Globalization;
using Microsoft.ML.OnnxRuntime;

namespace OpenEmbedding.Distributed.Tests.Training;

/// <summary>Jobs with columns of several categories and with tables that columns share.</summary>
[Trait("Kind", "Job")]
public sealed class MultiHotJobTests : IDisposable
{
    private const int Rows = 960;
    private const int Items = 60;
    private const int MostTags = 5;
    private const string Columns = $$"""["item", {"name": "tags", "max_length": 5, "combiner": "sqrtn"}, {"name": "seen", "max_length": 5, "table": "item"}]""";

    private readonly OeTrain _train = new();

    public void Dispose() => _train.Dispose();

    [Theory]
    [InlineData("array")]
    [InlineData("hash")]
    public void ManyRanksEqualOneAndTheExportPredictsAsTheTrainer(string kind)
    {
        string rows = WriteRows("rows.csv", random => random.Next(MostTags + 2));
        string[] job = Job(rows, Columns, kind);

        Weights alone = _train.Weights(1, [.. job, "--train.batch_size", "96"]);
        Weights many = _train.Weights(
            4,
            [
                .. job, "--train.batch_size", "48", "--cluster.servers", "2", "--data.test", rows,
                "--output.predictions", _train.In("predictions.txt"), "--export", _train.In("model/1"),
            ]);

        Assert.InRange(many.DistanceTo(alone), 0, 1e-9);
        Assert.Equal(kind == "array" ? 4 : 2, many.Names.Count(name => name.EndsWith("/weights", StringComparison.Ordinal)));
        double[] expected = [.. File.ReadLines(_train.In("predictions.txt")).Select(line => double.Parse(line, CultureInfo.InvariantCulture))];
        float[] predicted = Predict(_train.In("model/1"), rows);
        Assert.True(expected.Max() - expected.Min() > 0.1, "the rows do not differ");
        Assert.Equal(expected.Length, predicted.Length);
        Assert.All(expected.Zip(predicted), pair => Assert.Equal(pair.First, pair.Second, 1e-6));
    }

    [Fact]
    public void ColumnsOfOneCategoryEachTrainTheSameBitsAsPlainOnes()
    {
        string rows = WriteRows("rows.csv", _ => 1);
        string plain = """["item", "tags", "seen"]""", several = """["item", {"name": "tags", "max_length": 3}, {"name": "seen", "max_length": 2, "combiner": "sum"}]""";

        Assert.Equal(0, _train.Weights(2, Job(rows, several, "array")).DistanceTo(_train.Weights(2, Job(rows, plain, "array"))));
    }

    [Fact]
    public void SumsOfAColumnAreThoseOfColumnsThatShareItsRows()
    {
        string rows = WriteRows("rows.csv", _ => 2);
        string apart = _train.Write(
            "apart.csv",
            "label,price,item,tag0,tag1\n" + string.Concat(File.ReadLines(rows).Skip(1).Select(line => line.Split(',')).Select(
                fields => $"{fields[0]},{fields[1]},{fields[2]},{string.Join(',', fields[3].Split('|'))}\n")));
        string together = """["item", {"name": "tags", "max_length": 2, "combiner": "sum", "table": "item"}]""";
        string shared = """["item", {"name": "tag0", "table": "item"}, {"name": "tag1", "table": "item"}]""";

        // The linear part alone adds all rows up, whichever columns they are of.
        Weights sums = _train.Weights(2, [.. Job(rows, together, "array"), "--model", "LR"]);
        Weights columns = _train.Weights(2, [.. Job(apart, shared, "array"), "--model", "LR"]);

        Assert.InRange(sums.DistanceTo(columns), 0, 1e-12);
    }

    private static string[] Job(string rows, string columns, string kind) =>
    [
        "--data", rows, "--data.dense", "price", "--data.sparse", columns, "--data.vocabulary", $"{Items}", "--embedding.kind", kind, "--embedding.dimension", "4",
        "--embedding.initializer.stddev", "0.3", "--model.dnn_hidden_units", "8", "--model.dtype", "float64", "--optimizer.learning_rate", "0.05", "--train.batch_size", "48",
    ];

    // An item, tags that may repeat, and items seen before; the first tag decides the label, mostly.
    private string WriteRows(string name, Func<Random, int> tagsOfRow)
    {
        var random = new Random(4);
        using var file = new StreamWriter(_train.In(name));
        file.WriteLine("label,price,item,tags,seen");
        for (int row = 0; row < Rows; row++)
        {
            int[] tags = [.. Enumerable.Range(0, tagsOfRow(random)).Select(_ => random.Next(12))];
            int[] seen = [.. Enumerable.Range(0, tagsOfRow(random)).Select(_ => random.Next(Items))];
            int label = random.NextDouble() < (tags.FirstOrDefault(3) % 2 == 0 ? 0.85 : 0.15) ? 1 : 0;
            file.WriteLine(FormattableString.Invariant($"{label},{random.NextDouble():F3},{random.Next(Items)},{string.Join('|', tags)},{string.Join('|', seen)}"));
        }

        return _train.In(name);
    }

    private static float[] Predict(string folder, string rows)
    {
        string[][] fields = [.. File.ReadLines(rows).Skip(1).Select(line => line.Split(','))];
        var inputs = new Dictionary<string, OrtValue>
        {
            ["price"] = OrtValue.CreateTensorValueFromMemory(fields.Select(row => float.Parse(row[1], CultureInfo.InvariantCulture)).ToArray(), [fields.Length, 1]),
            ["item"] = OrtValue.CreateTensorValueFromMemory(fields.Select(row => long.Parse(row[2])).ToArray(), [fields.Length, 1]),
            ["tags"] = Several(3),
            ["seen"] = Several(4),
        };
        using var session = new InferenceSession(Path.Combine(folder, "model.onnx"));
        using var options = new RunOptions();
        using IDisposableReadOnlyCollection<OrtValue> outputs = session.Run(options, inputs, ["probability"]);
        return outputs[0].GetTensorDataAsSpan<float>().ToArray();

        // Further categories than the column takes are left out, missing ones are −1.
        OrtValue Several(int place) => OrtValue.CreateTensorValueFromMemory(
            fields.SelectMany(row => row[place].Split('|', StringSplitOptions.RemoveEmptyEntries).Select(long.Parse).Concat(Enumerable.Repeat(-1L, MostTags)).Take(MostTags)).ToArray(),
            [fields.Length, MostTags]);
    }
}
