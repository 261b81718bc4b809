using System.Text.Json.Nodes;
using CsCheck;
using OpenEmbedding.EmbeddingPs.Initializers;
using OpenEmbedding.EmbeddingPs.Optimizers;
using OpenEmbedding.EmbeddingPs.Server;
using OpenEmbedding.Trainer.Configuration;

namespace OpenEmbedding.Trainer.Tests.Configuration;

public sealed class OverrideTests : IDisposable
{
    private readonly ConfigurationFolder _folder = new();

    public static TheoryData<string> Keys => [.. ConfigurationKeys.All.Select(entry => entry.Path)];

    public void Dispose() => _folder.Dispose();

    [Theory]
    [MemberData(nameof(Keys))]
    public void Every_key_can_be_given_on_the_command_line(string path)
    {
        ConfigurationEntry entry = ConfigurationKeys.All.Single(entry => entry.Path == path);
        Values(entry).Sample(
            value =>
            {
                List<string> rest = Surroundings(entry, value);
                string apart = ConfigurationFolder.LoadArguments([.. rest, "--" + path, value]).ToJson();
                string together = ConfigurationFolder.LoadArguments([.. rest, $"--{path}={value}"]).ToJson();
                Assert.Equal(apart, together);
                Assert.Equal(Expected(entry, value), ValueAt(apart, path));
            },
            iter: 20);
    }

    [Fact]
    public void Keys_of_the_command_line_go_before_those_of_the_file_and_the_last_holds()
    {
        JobOptions job = _folder.Load(
            "{\"data\": {\"train\": \"a\"}, \"train\": {\"epochs\": 3, \"batch_size\": 8}}", "--train.batch_size", "16", "--batch_size=32");
        Assert.Equal((3, 32), (job.Train.Epochs, job.Train.BatchSize));
    }

    [Fact]
    public void The_flags_of_the_replaced_scripts_stand_for_keys()
    {
        JobOptions job = ConfigurationFolder.LoadArguments(
            "--data", "a.csv", "--model", "wdl", "--optimizer", "adam", "--batch_size", "8", "--embedding_dim", "64", "--epochs", "5", "--prefetch", "--server");
        Assert.Equal(["a.csv"], job.Data.Train.Files);
        Assert.Equal(ModelName.WDL, job.Model.Name);
        Assert.Equal(new AdamOptions(), job.Optimizer);
        Assert.Equal((8, 64, 5, (int?)1), (job.Train.BatchSize, job.Embedding.Dimension, job.Train.Epochs, job.Train.Prefetch));
        Assert.Equal(ServerCount.Auto, job.Cluster.Servers);
        Assert.Equal(ServerCount.Dedicated(2), ConfigurationFolder.LoadArguments("--data=a", "--server", "2").Cluster.Servers);
    }

    [Fact]
    public void Another_optimizer_starts_from_its_own_defaults()
    {
        const string File = "{\"data\": {\"train\": \"a\"}, \"optimizer\": {\"name\": \"Adagrad\", \"learning_rate\": 0.5, \"initial_accumulator_value\": 1}}";
        Assert.Equal(new AdamOptions(), _folder.Load(File, "--optimizer", "Adam").Optimizer);
        Assert.Equal(new AdamOptions { LearningRate = 0.1 }, _folder.Load(File, "--optimizer.learning_rate", "0.1", "--optimizer.name", "Adam").Optimizer);
        Assert.Equal(new AdagradOptions { LearningRate = 0.5, InitialAccumulatorValue = 1 }, _folder.Load(File, "--optimizer", "adagrad").Optimizer);
        Assert.Equal(new SgdOptions { Momentum = 0.5 }, _folder.Load(File, "--optimizer", "{\"name\": \"SGD\", \"momentum\": 0.5}").Optimizer);
    }

    [Fact]
    public void The_standing_variant_takes_keys_without_a_name()
    {
        JobOptions job = ConfigurationFolder.LoadArguments("--data=a", "--embedding.initializer.stddev", "0.01", "--optimizer.learning_rate", "0.1");
        Assert.Equal(new RandomNormalOptions { Stddev = 0.01 }, job.Embedding.Initializer);
        Assert.Equal(new AdagradOptions { LearningRate = 0.1 }, job.Optimizer);
        JobOptions kept = _folder.Load("{\"data\": {\"train\": \"a\"}, \"optimizer\": {\"learning_rate\": 0.5}}", "--optimizer", "Adagrad");
        Assert.Equal(new AdagradOptions { LearningRate = 0.5 }, kept.Optimizer);
    }

    [Fact]
    public void Files_keep_the_rows_of_the_file_and_a_path_does_not()
    {
        const string File = "{\"data\": {\"train\": {\"files\": [\"a\"], \"rows\": \"0-9\"}}}";
        Assert.Equal(new RowRange(0, 9), _folder.Load(File, "--data.train.files", "b").Data.Train.Rows);
        Assert.Null(_folder.Load(File, "--data", "b").Data.Train.Rows);
        Assert.Equal(["b", "c"], _folder.Load(File, "--data", "b,c").Data.Train.Files);
        Assert.Equal(["b,c"], _folder.Load(File, "--data", "[\"b,c\"]").Data.Train.Files);
        JobOptions short_form = _folder.Load("{\"data\": {\"train\": \"a\"}}", "--data.train.rows", "5-");
        Assert.Equal((new RowRange(5, null), "a"), (short_form.Data.Train.Rows, short_form.Data.Train.Files[0]));
    }

    [Fact]
    public void Null_takes_an_optional_key_away()
    {
        const string File = "{\"data\": {\"train\": \"a\", \"test\": \"b\"}, \"train\": {\"steps\": 5}}";
        JobOptions job = _folder.Load(File, "--data.test", "null", "--train.steps=null");
        Assert.Null(job.Data.Test);
        Assert.Null(job.Train.Steps);
    }

    [Theory]
    [InlineData("command line: train.batch_size = \"many\" is not an integer from 1 to 16777216", "--batch_size", "many")]
    [InlineData("command line: model.dnn_hidden_units[1] = \"x\" is not an integer from 1 to 1048576", "--model.dnn_hidden_units", "4,x")]
    [InlineData("command line: data.sparse = [] is not a non-empty list, each item the name of a column or an object with the keys name, max_length, combiner, separator, table, dimension, default", "--data.sparse", "")]
    [InlineData("command line: optimizer.beta_1 is not a known key of Adagrad (allowed: name, learning_rate, initial_accumulator_value, epsilon)", "--optimizer.beta_1=0.5")]
    [InlineData("command line: optimizer: line 1, position 2: not valid JSON: 'n' is an invalid start of a property name. Expected a '\"'.", "--optimizer", "{name}")]
    [InlineData("command line: optimizer: name is given twice", "--optimizer", "{\"name\": \"SGD\", \"name\": \"Adam\"}")]
    [InlineData("command line: train.epochs = -1 is not an integer from 0 to 1000000", "--epochs=-1")]
    public void Bad_values_are_refused(string message, params string[] overrides) =>
        Assert.Equal(message, _folder.Refusal("{\"data\": {\"train\": \"a\"}}", overrides));

    [Fact]
    public void Keys_that_no_parser_saw_are_refused_too()
    {
        var failure = Assert.Throws<Collectives.OpenEmbeddingException>(() => JobOptions.Read(null, [new("train.batch_size.x", "1")]));
        Assert.Equal("command line: train.batch_size.x is not a known key (train.batch_size is an integer from 1 to 16777216)", failure.Message);
    }

    /// <summary>Values that the key allows; of those whose type does not tell it, some.</summary>
    private static Gen<string> Values(ConfigurationEntry entry) => entry.Path switch
    {
        "data.columns" => Gen.OneOfConst("click,shop", "shop,age,click"),
        "data.delimiter" => Gen.OneOfConst("tab", ";", "~"),
        _ => Sample.Of(entry.Type),
    };

    /// <summary>The options without which the key could not be given.</summary>
    private static List<string> Surroundings(ConfigurationEntry entry, string value)
    {
        string[] others = entry.Path switch
        {
            "data.train" or "data.train.files" => [],
            "data.columns" => ["--data=a", "--data.label=click", "--data.dense=[]", "--data.sparse=shop"],
            "data.dense_defaults" => ["--data=a", $"--data.dense={string.Join(',', Enumerable.Range(1, value.Split(',').Length).Select(i => $"I{i}"))}"],
            "data.test.rows" => ["--data=a", "--data.test=b"],
            "data.vocabulary" => ["--data=a", $"--data.sparse={string.Join(',', Enumerable.Range(1, value.Split(',').Length).Select(i => $"C{i}"))}"],
            "data.sparse_ids" when value == "hash" => ["--data=a", "--embedding.kind=hash"],
            var path when path.StartsWith("embedding.growth.", StringComparison.Ordinal) => ["--data=a", "--embedding.kind=hash"],
            "checkpoint.resume" => ["--data=a", "--checkpoint=c"],
            "train.test_every_steps" or "early_stopping.patience" => ["--data=a", "--data.test=b"],
            "train.test_group_by" => ["--data=a", "--data.test=b", "--data.sparse=" + value],
            "schedule.curve" => ["--data=a", "--schedule.decay_steps=9"],
            "output.export_dense" => ["--data=a", "--save=b"],
            "output.predictions" => ["--data=a", "--data.test=b"],
            "embedding.initializer.minimum" => ["--data=a", "--embedding.initializer.maximum=1e10"],
            "embedding.initializer.maximum" => ["--data=a", "--embedding.initializer.minimum=-1e10"],
            _ => ["--data=a"],
        };
        string[] name = entry.Variants.Count == 0 ? [] : [$"--{entry.Path[..entry.Path.LastIndexOf('.')]}.name={entry.Variants[^1].Name}"];
        return [.. others, .. name];
    }

    /// <summary>The JSON that the value must come out as: short forms written out, constants by their value.</summary>
    private static string Expected(ConfigurationEntry entry, string value)
    {
        JsonNode node = entry.Type.FromText(value, new KeyPath(entry.Path))!;
        object read = entry.Type.Read(node, new KeyPath(entry.Path), null, complete: true);
        JsonNode written = entry.Type.Write(read);
        string text = value is "zeros" or "ones" && entry.Path == "embedding.initializer.name" ? "\"constant\"" : written.ToJsonString();
        return text;
    }

    private static string ValueAt(string json, string path)
    {
        JsonNode? node = JsonNode.Parse(json);
        foreach (string key in path.Split('.'))
        {
            node = node![key];
        }

        return node!.ToJsonString();
    }
}
