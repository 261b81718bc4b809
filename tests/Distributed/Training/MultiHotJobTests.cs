using System.Globalization;
using System.Text.Json.Nodes;
using Microsoft.ML.OnnxRuntime;
using OpenEmbedding.Serving.Grpc.Messages;

namespace OpenEmbedding.Distributed.Tests.Training;

/// <summary>Jobs with columns of several categories and with tables that columns share.</summary>
[Trait("Kind", "Job")]
public sealed class MultiHotJobTests : IDisposable
{
    private const int Rows = 960;
    private const int Items = 60;
    private const int MostTags = 5;
    private const string Columns = $$"""["item", {"name": "tags", "max_length": 5, "combiner": "sqrtn"}, {"name": "seen", "max_length": 5, "table": "item", "default": "3"}]""";

    private readonly OeTrain _train = new();

    // Tables of an array job may differ in their dimensions.
    private static string ColumnsOf(string kind) => kind == "array" ? Columns.Replace("\"sqrtn\"", "\"sqrtn\", \"dimension\": 2", StringComparison.Ordinal) : Columns;

    public void Dispose() => _train.Dispose();

    [Theory]
    [InlineData("array")]
    [InlineData("hash")]
    public async Task ManyRanksEqualOneAndTheExportPredictsAsTheTrainer(string kind)
    {
        string rows = WriteRows("rows.csv", random => random.Next(MostTags + 2));
        string[] job = Job(rows, ColumnsOf(kind), kind);

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
        Assert.True(expected.Max() - expected.Min() > 0.1, "the rows do not differ");
        string[][] fields = [.. File.ReadLines(rows).Skip(1).Select(line => line.Split(','))];
        await using ServedExport served = await ServedExport.Start(_train.In("model"));
        float[][] answers =
        [
            Predict(_train.In("model/1"), fields), await served.AskByRest(RowsBody(fields), byRow: true), await served.AskByRest(ColumnsBody(fields), byRow: false),
            await served.AskByGrpc(Message(fields)),
        ];
        foreach (float[] predicted in answers)
        {
            Assert.Equal(expected.Length, predicted.Length);
            Assert.All(expected.Zip(predicted), pair => Assert.Equal(pair.First, pair.Second, 1e-6));
        }

        Assert.Equal(
            "feature \"tags\", row 0: a list of 6 is not a number or a list of at most 5 numbers of type int64",
            await served.Refusal("{\"instances\": [{\"tags\": [1, 2, 3, 4, 5, 6]}]}"));
        Assert.Equal(
            "feature \"seen\", row 1: null is not a number or a list of at most 5 numbers of type int64", await served.Refusal("{\"inputs\": {\"seen\": [[1], [2, null]]}}"));
    }

    [Theory]
    [Trait("Kind", "Long")]
    [InlineData("array", "--cluster.strategy", "allreduce", "--model.l2_embedding", "0", "--model.l2_linear", "0")]
    [InlineData("hash", "--cluster.strategy", "allgather", "--model.l2_embedding", "0", "--model.l2_linear", "0")]
    [InlineData("array", "--cluster.servers", "1", "--embedding.sparse_as_dense_size", "100")]
    [InlineData("hash", "--cluster.servers", "1", "--cluster.hot_rows", "20")]
    [InlineData("hash", "--cluster.servers", "colocated", "--train.micro_batch_size", "7", "--cluster.wire.keys", "lz4")]
    public void HoweverRowsAreKeptTheWeightsAreThoseOfOneProcess(string kind, params string[] more)
    {
        bool hasServer = more.Contains("1");
        string[] job = Job(WriteRows("rows.csv", random => random.Next(MostTags + 2)), ColumnsOf(kind), kind);
        string[] regularized = more.Contains("--model.l2_linear") ? more[2..] : [];

        Weights alone = _train.Weights(1, [.. job, "--train.batch_size", "96", .. regularized]);
        Weights many = _train.Weights(hasServer ? 3 : 2, [.. job, "--train.batch_size", "48", .. more]);

        Assert.InRange(many.DistanceOnSharedKeysTo(alone), 0, 1e-9);
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

    // As many numbers as there are; one may stand alone.
    private static string RowsBody(string[][] fields) => new JsonObject
    {
        ["instances"] = new JsonArray([.. fields.Select(row => new JsonObject
        {
            ["price"] = double.Parse(row[1], CultureInfo.InvariantCulture),
            ["item"] = long.Parse(row[2]),
            ["tags"] = Numbers(row[3]) is [var only] ? only : List(row[3]),
            ["seen"] = List(row[4]),
        })]),
    }.ToJsonString();

    private static string ColumnsBody(string[][] fields) => new JsonObject
    {
        ["inputs"] = new JsonObject
        {
            ["price"] = new JsonArray([.. fields.Select(row => (JsonNode)double.Parse(row[1], CultureInfo.InvariantCulture))]),
            ["item"] = new JsonArray([.. fields.Select(row => (JsonNode)long.Parse(row[2]))]),
            ["tags"] = new JsonArray([.. fields.Select(row => List(row[3]))]),
            ["seen"] = new JsonArray([.. fields.Select(row => List(row[4]))]),
        },
    }.ToJsonString();

    private static PredictRequest Message(string[][] fields)
    {
        var request = new PredictRequest { ModelSpec = new ModelSpec { Name = "criteo" } };
        request.Inputs["price"] = new TensorProto { Dtype = DataType.DtFloat, TensorShape = Shape(1), FloatVal = { fields.Select(row => float.Parse(row[1], CultureInfo.InvariantCulture)) } };
        request.Inputs["item"] = new TensorProto { Dtype = DataType.DtInt64, TensorShape = Shape(1), Int64Val = { fields.Select(row => long.Parse(row[2])) } };
        request.Inputs["tags"] = new TensorProto { Dtype = DataType.DtInt64, TensorShape = Shape(MostTags), Int64Val = { Padded(fields, 3) } };
        request.Inputs["seen"] = new TensorProto { Dtype = DataType.DtInt64, TensorShape = Shape(MostTags), Int64Val = { Padded(fields, 4) } };
        return request;

        TensorShapeProto Shape(long width) => new() { Dim = { new TensorShapeProto.Types.Dim { Size = fields.Length }, new TensorShapeProto.Types.Dim { Size = width } } };
    }

    // Further categories than the column takes are left out.
    private static long[] Numbers(string field) => [.. field.Split('|', StringSplitOptions.RemoveEmptyEntries).Select(long.Parse).Take(MostTags)];

    private static JsonArray List(string field) => new([.. Numbers(field).Select(number => (JsonNode)number)]);

    // Missing categories are −1.
    private static long[] Padded(string[][] fields, int place) => [.. fields.SelectMany(row => Numbers(row[place]).Concat(Enumerable.Repeat(-1L, MostTags)).Take(MostTags))];

    private static float[] Predict(string folder, string[][] fields)
    {
        var inputs = new Dictionary<string, OrtValue>
        {
            ["price"] = OrtValue.CreateTensorValueFromMemory(fields.Select(row => float.Parse(row[1], CultureInfo.InvariantCulture)).ToArray(), [fields.Length, 1]),
            ["item"] = OrtValue.CreateTensorValueFromMemory(fields.Select(row => long.Parse(row[2])).ToArray(), [fields.Length, 1]),
            ["tags"] = OrtValue.CreateTensorValueFromMemory(Padded(fields, 3), [fields.Length, MostTags]),
            ["seen"] = OrtValue.CreateTensorValueFromMemory(Padded(fields, 4), [fields.Length, MostTags]),
        };
        using var session = new InferenceSession(Path.Combine(folder, "model.onnx"));
        using var options = new RunOptions();
        using IDisposableReadOnlyCollection<OrtValue> outputs = session.Run(options, inputs, ["probability"]);
        return outputs[0].GetTensorDataAsSpan<float>().ToArray();
    }
}
