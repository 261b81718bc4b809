namespace OpenEmbedding.Trainer.Tests.Configuration;

public sealed class BadFileTests : IDisposable
{
    private readonly ConfigurationFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_missing_file_is_named() =>
        Assert.Equal("criteo.json: no such file", _folder.RefusalOfArguments(_folder.PathOf("criteo.json")));

    [Fact]
    public void A_file_in_a_missing_folder_is_named() =>
        Assert.Equal("none/criteo.json: no such file", _folder.RefusalOfArguments(_folder.PathOf("none/criteo.json")));

    [Fact]
    public void A_folder_is_not_read()
    {
        Directory.CreateDirectory(_folder.PathOf("criteo.json"));
        Assert.Equal("criteo.json: is a folder, not a file", _folder.RefusalOfArguments(_folder.PathOf("criteo.json")));
    }

    [Theory]
    [InlineData("")]
    [InlineData(" \n ")]
    public void An_empty_file_is_named(string text) => Assert.Equal("criteo.json: the file is empty", _folder.Refusal(text));

    [Fact]
    public void Bytes_that_are_not_text_are_refused()
    {
        File.WriteAllBytes(_folder.PathOf("criteo.json"), [(byte)'{', 0xff, (byte)'}']);
        Assert.Equal("criteo.json: not UTF-8 text", _folder.RefusalOfArguments(_folder.PathOf("criteo.json")));
    }

    [Theory]
    [InlineData(
        "{\n  \"data\": { \"train\": x }\n}",
        "criteo.json: line 2, position 22: not valid JSON: 'x' is an invalid start of a value.")]
    [InlineData(
        "{ \"data\": { \"train\": \"x\"",
        "criteo.json: line 1, position 25: not valid JSON: Expected depth to be zero at the end of the JSON payload. There is an open JSON object or array that should be closed.")]
    [InlineData(
        "{} {}",
        "criteo.json: line 1, position 4: not valid JSON: '{' is invalid after a single JSON value. Expected end of data.")]
    public void Malformed_json_is_located(string text, string message) => Assert.Equal(message, _folder.Refusal(text));

    [Theory]
    [InlineData("{\"train\": {\"epochs\": 1, \"epochs\": 2}}", "criteo.json: train.epochs is given twice")]
    [InlineData("{\"train\": {}, \"train\": {}}", "criteo.json: train is given twice")]
    [InlineData("{\"data\": {\"label\": \"\\ud800\"}}", "criteo.json: data.label holds a string that is not valid Unicode")]
    [InlineData(
        "[1, 2]",
        "criteo.json: [1,2] is not an object with the keys data, model, embedding, optimizer, schedule, train, early_stopping, load, checkpoint, cluster, autotune, output")]
    [InlineData(
        "null",
        "criteo.json: null is not an object with the keys data, model, embedding, optimizer, schedule, train, early_stopping, load, checkpoint, cluster, autotune, output")]
    public void The_structure_is_checked(string text, string message) => Assert.Equal(message, _folder.Refusal(text));

    [Fact]
    public void Comments_trailing_commas_a_byte_order_mark_and_a_schema_are_welcome()
    {
        var job = _folder.Load("\uFEFF// of the job\n{ \"$schema\": \"oe-train.schema.json\", \"data\": { \"train\": \"a\", /* none */ }, }");
        Assert.Equal(["a"], job.Data.Train.Files);
    }
}
