using OpenEmbedding.Collectives;
using OpenEmbedding.Trainer.CommandLine;
using OpenEmbedding.Trainer.Configuration;

namespace OpenEmbedding.Trainer.Tests.Configuration;

public sealed class CommandLineTests
{
    [Theory]
    [InlineData("command line: --train.batch_sise is not a known option; did you mean \"--train.batch_size\"? (oe-train --help lists all)", "--train.batch_sise", "3")]
    [InlineData("command line: --batch_siz is not a known option; did you mean \"--batch_size\"? (oe-train --help lists all)", "criteo.json", "--batch_siz=3")]
    [InlineData("command line: --learning_rate is not a known option; did you mean \"--optimizer.learning_rate\"? (oe-train --help lists all)", "--learning_rate", "3")]
    [InlineData("command line: -xyz is not a known option (oe-train --help lists all)", "-xyz")]
    [InlineData("command line: \"b.json\" is one argument too many; allowed is one configuration file", "a.json", "b.json")]
    [InlineData("command line: --train.epochs needs a value", "--train.epochs")]
    [InlineData("command line: --checkpoint needs a value", "--checkpoint")]
    [InlineData("command line: --load needs a value", "--load")]
    [InlineData("command line: --save needs a value", "--save")]
    [InlineData("command line: --export needs a value", "--export")]
    [InlineData("command line: --cache is not needed: the system keeps files that are read again in memory; leave it out", "--cache")]
    [InlineData("command line: generate: --out is missing; it is the file to write", "generate")]
    [InlineData("command line: generate: --rows is missing; it is an integer of at least 1", "generate", "--out", "a")]
    [InlineData("command line: generate: --rows = \"0\" is not an integer of at least 1", "generate", "--out", "a", "--rows", "0")]
    [InlineData("command line: generate: --format = \"xml\" is not one of \"criteo\", \"csv\"", "generate", "--out", "a", "--rows", "1", "--format", "xml")]
    [InlineData(
        "command line: generate: --vocabulary = \"999\" is not an integer from 1000 to 1000000000", "generate", "--out", "a", "--rows", "1", "--vocabulary", "999")]
    [InlineData(
        "command line: generate: --zipf = \"-1\" is not a number from 0 to 10", "generate", "--out", "a", "--rows", "1", "--vocabulary", "1000", "--zipf=-1")]
    [InlineData("command line: generate: --zipf needs --vocabulary", "generate", "--out", "a", "--rows", "1", "--zipf", "1")]
    [InlineData("command line: --row is not a known option; did you mean \"--rows\"? (oe-train --help lists all)", "generate", "--out", "a", "--row", "1")]
    public void Bad_arguments_get_one_line(string message, params string[] args)
    {
        var failure = Assert.Throws<OpenEmbeddingException>(() => TrainerCommandLine.Parse(args));
        Assert.Equal((message, JobExitCode.Configuration), (failure.Message, failure.ExitCode));
    }

    [Fact]
    public void Without_a_file_and_data_the_command_line_is_blamed()
    {
        var failure = Assert.Throws<OpenEmbeddingException>(() => ConfigurationFolder.LoadArguments());
        Assert.Equal("command line: data.train is missing; it is a path, a list of paths or an object with the keys files, rows", failure.Message);
    }

    [Fact]
    public void A_file_and_options_are_told_apart()
    {
        var train = Assert.IsType<TrainArguments>(TrainerCommandLine.Parse(["--epochs", "3", "criteo.json", "--embedding.initializer.mean", "-0.5"]));
        Assert.Equal("criteo.json", train.ConfigPath);
        Assert.Equal(
            new ConfigurationOverride[] { new("embedding.initializer.mean", "-0.5"), new("train.epochs", "3") },
            train.Overrides.OrderBy(given => given.Key));
    }

    [Fact]
    public void Preparation_takes_what_a_job_takes_and_where_to_write()
    {
        Assert.Equivalent(
            new PreprocessArguments("criteo.json", [new ConfigurationOverride("data.test", "b")], "o.csv", "t.csv", 4),
            TrainerCommandLine.Parse(["preprocess", "criteo.json", "--data.test", "b", "--out", "o.csv", "--test-out=t.csv", "--min-count", "4"]));
        Assert.Equivalent(new ConvertArguments(null, [new ConfigurationOverride("data.train", "a")], "o.parquet"), TrainerCommandLine.Parse(["convert", "--data", "a", "--out", "o.parquet"]));
        Assert.Contains("preprocess [CONFIG.json]", Assert.IsType<PrintArguments>(TrainerCommandLine.Parse(["preprocess", "--help"])).Text);
    }

    [Theory]
    [InlineData("command line: convert: --out is missing; it is the file to write", "convert", "--data", "a")]
    [InlineData("command line: preprocess: --min-count = \"0\" is not an integer of at least 1", "preprocess", "--data", "a", "--out", "b", "--min-count", "0")]
    public void What_is_wrong_with_preparation_is_named(string expected, params string[] args) =>
        Assert.Equal(expected, Assert.Throws<OpenEmbeddingException>(() => TrainerCommandLine.Parse(args)).Message);

    [Fact]
    public void Inspect_takes_what_a_job_takes()
    {
        var inspect = Assert.IsType<InspectArguments>(TrainerCommandLine.Parse(["inspect", "criteo.json", "--data.test", "b"]));
        Assert.Equal("criteo.json", inspect.ConfigPath);
        Assert.Equal([new ConfigurationOverride("data.test", "b")], inspect.Overrides);
        var failure = Assert.Throws<OpenEmbeddingException>(() => TrainerCommandLine.Parse(["inspect", "--data.tesst", "b"]));
        Assert.Equal("command line: --data.tesst is not a known option; did you mean \"--data.test\"? (oe-train --help lists all)", failure.Message);
    }

    [Fact]
    public void Files_of_arguments_are_not_opened()
    {
        var train = Assert.IsType<TrainArguments>(TrainerCommandLine.Parse(["--data", "@list"]));
        Assert.Equal([new ConfigurationOverride("data.train", "@list")], train.Overrides);
    }

    [Fact]
    public void Sample_data_are_described()
    {
        Assert.Equal(new GenerateArguments(100, "a.txt", 1024, DataFormat.Criteo), TrainerCommandLine.Parse(["generate", "--rows", "100", "--out", "a.txt"]));
        Assert.Equal(new GenerateArguments(5, "a.csv", 1024, DataFormat.Csv), TrainerCommandLine.Parse(["generate", "--rows", "5", "--out", "a.csv"]));
        Assert.Equal(
            new GenerateArguments(5, "a", 7, DataFormat.Csv), TrainerCommandLine.Parse(["generate", "--rows=5", "--out=a", "--seed=7", "--format=CSV"]));
    }

    [Fact]
    public void Sample_data_have_a_vocabulary_where_it_is_given() => Assert.Equal(
        new GenerateArguments(5, "a", 1024, DataFormat.Criteo, 5000, 0.9),
        TrainerCommandLine.Parse(["generate", "--rows=5", "--out=a", "--vocabulary", "5000", "--zipf", "0.9"]));

    [Fact]
    public void Help_lists_every_key_with_its_default()
    {
        string text = Printed("--help");
        Assert.Equal(text, Printed("-h"));
        Assert.All(
            ConfigurationKeys.All.Where(entry => !entry.Path.StartsWith("embedding.optimizer.", StringComparison.Ordinal)),
            entry => Assert.Contains($"  --{entry.Path}", text, StringComparison.Ordinal));
        Assert.Contains(
            "  --train.batch_size, --batch_size\n      Rows per step and trainer.\n      an integer from 1 to 16777216; default 4096\n", text, StringComparison.Ordinal);
        Assert.Contains("a number above 0; default 0.001; SGD 0.01\n", text, StringComparison.Ordinal);
        Assert.Contains("generate --rows N --out FILE", Printed("generate", "--help"), StringComparison.Ordinal);
    }

    [Fact]
    public void The_version_is_printed() => Assert.Matches("^oe-train [0-9]+\\.[0-9]+\\.[0-9]+\n$", Printed("--version"));

    private static string Printed(params string[] args) => Assert.IsType<PrintArguments>(TrainerCommandLine.Parse(args)).Text;
}
