using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;

namespace OpenEmbedding.Serving.Tests;

/// <summary>The REST API on a real port, with a model that was really trained.</summary>
[Trait("Kind", "Job")]
[Collection(nameof(TrainedModel))]
public sealed class RestTests(TrainedModel model) : IAsyncLifetime
{
    private readonly string _folder = Directory.CreateTempSubdirectory("oe-serve-").FullName;
    private readonly ConcurrentQueue<string> _said = new();
    private Server _server = null!;
    private HttpClient _client = null!;

    public async Task InitializeAsync()
    {
        model.CopyTo(Path.Combine(_folder, "1"));

        // New versions are looked for by the tests themselves.
        ServeOptions options = new ServeCommandLine().Parse(
            ["--model", $"criteo={_folder}", "--rest-port", "0", "--max-batch", "200", "--concurrency", "1", "--max-body-mb", "1", "--poll-seconds", "3600"])!;
        _server = await Server.Start(options, _said.Enqueue);
        _client = new HttpClient { BaseAddress = new Uri(_server.Address), Timeout = TimeSpan.FromSeconds(60) };
    }

    public async Task DisposeAsync()
    {
        _client.Dispose();
        await _server.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    [Theory]
    [InlineData(true, 1)]
    [InlineData(true, 100)]
    [InlineData(false, 1)]
    [InlineData(false, 100)]
    public async Task Predicts_as_the_trainer(bool byRow, int count)
    {
        (HttpStatusCode status, JsonElement answer) = await Post("/v1/models/criteo:predict", model.Body(byRow, 7, count));

        Assert.Equal(HttpStatusCode.OK, status);
        double[] outputs = [.. answer.GetProperty(byRow ? "predictions" : "outputs").EnumerateArray().Select(row => row[0].GetDouble())];
        Assert.Equal(count, outputs.Length);
        Assert.All(outputs.Zip(model.Probabilities.Skip(7)), pair => Assert.Equal(pair.Second, pair.First, 1e-6));
        Assert.Equal(HttpStatusCode.OK, (await Post("/v1/models/criteo/versions/1:predict", model.Body(byRow, 7, count))).Status);
    }

    [Theory]
    [InlineData("/v1/models/other:predict", HttpStatusCode.NotFound, "Could not find any versions of model other; served are: criteo")]
    [InlineData("/v1/models/criteo/versions/9:predict", HttpStatusCode.NotFound, "Servable not found for request: Specific(criteo, 9)")]
    [InlineData("/v1/models/criteo/versions/x:predict", HttpStatusCode.BadRequest, "version \"x\" is not a number")]
    [InlineData("/v1/models/criteo:guess", HttpStatusCode.BadRequest, "Malformed request: POST /v1/models/criteo:guess")]
    public async Task Unknown_places_are_named(string path, HttpStatusCode expected, string error)
    {
        (HttpStatusCode status, JsonElement answer) = await Post(path, model.Body(true, 0, 1));

        Assert.Equal(expected, status);
        Assert.Equal(error, answer.GetProperty("error").GetString());
    }

    [Theory]
    [InlineData("", "the body is not JSON: ")]
    [InlineData("{\"inputs\":{}", "the body is not JSON: ")]
    [InlineData("[]", "the body is not an object but a list; \"instances\" or \"inputs\" is allowed in it")]
    [InlineData("{}", "one of \"instances\" and \"inputs\" is needed, not none")]
    [InlineData("{\"inputs\":{},\"instances\":[]}", "one of \"instances\" and \"inputs\" is needed, not both")]
    [InlineData("{\"rows\":[]}", "\"rows\" is unknown; \"instances\", \"inputs\" and \"signature_name\" are allowed")]
    [InlineData("{\"signature_name\":\"x\"}", "\"signature_name\" is \"x\"; the model has \"serving_default\" alone")]
    [InlineData("{\"instances\":[]}", "\"instances\" is empty; at least one row is needed")]
    [InlineData("{\"instances\":{}}", "\"instances\" is not a list of rows but an object")]
    [InlineData("{\"instances\":[7]}", "row 0 of \"instances\" is not an object of features but a number")]
    [InlineData("{\"instances\":[{\"I1\":1}]}", "row 0 of \"instances\" has no feature \"I2\"")]
    [InlineData("{\"inputs\":{\"I1\":[1]}}", "\"inputs\" has no feature \"I2\"")]
    [InlineData("{\"inputs\":{}}", "\"inputs\" has no feature \"I1\"")]
    [InlineData("{\"inputs\":{\"X\":[1]}}", "feature \"X\" is not one of the model's: I1, I2, ")]
    [InlineData("{\"inputs\":{\"I1\":1}}", "feature \"I1\" is not a list with a number for each row but a number")]
    [InlineData("{\"inputs\":{\"I1\":[]}}", "feature \"I1\" is empty; at least one row is needed")]
    [InlineData("{\"inputs\":{\"I1\":[1,2],\"I2\":[1]}}", "feature \"I2\" has 1 rows, those before it have 2")]
    [InlineData("{\"inputs\":{\"I1\":[[1,2]]}}", "feature \"I1\", row 0: a list of 2 is not one number of type float")]
    [InlineData("{\"inputs\":{\"I1\":[1,\"a\"]}}", "feature \"I1\", row 1: \"a\" is not one number of type float")]
    [InlineData("{\"inputs\":{\"I1\":[null]}}", "feature \"I1\", row 0: null is not one number of type float")]
    [InlineData("{\"inputs\":{\"I1\":[1e99]}}", "feature \"I1\", row 0: 1e99 is not one number of type float")]
    [InlineData("{\"inputs\":{\"I1\":[NaN]}}", "the body is not JSON: ")]
    [InlineData("{\"inputs\":{\"C1\":[1.5]}}", "feature \"C1\", row 0: 1.5 is not one number of type int64")]
    [InlineData("{\"inputs\":{\"C1\":[9223372036854775808]}}", "feature \"C1\", row 0: 9223372036854775808 is not one number of type int64")]
    [InlineData("{\"inputs\":{\"I1\":[1],\"I1\":[1]}}", "feature \"I1\" is given twice")]
    [InlineData("{\"inputs\":{\"I1\":[1],\"\\u00491\":[1]}}", "feature \"I1\" is given twice")]
    [InlineData("{\"instances\":[{\"I1\":1,\"I1\":1}]}", "feature \"I1\" is given twice")]
    [InlineData("{\"inputs\":{},\"inputs\":{}}", "\"inputs\" is given twice")]
    [InlineData("{\"signature_name\":\"\",\"signature_name\":\"\"}", "\"signature_name\" is given twice")]
    [InlineData("{\"inputs\":{\"\\ud800\":[1]}}", "the body is not JSON: ")]
    [InlineData("{\"signature_name\":\"\\ud800\"}", "\"signature_name\" is \"\\ud800\"; the model has \"serving_default\" alone")]
    public async Task Malformed_bodies_are_explained(string body, string error)
    {
        (HttpStatusCode status, JsonElement answer) = await Post("/v1/models/criteo:predict", body);

        Assert.Equal(HttpStatusCode.BadRequest, status);
        Assert.StartsWith(error, answer.GetProperty("error").GetString());
        Assert.Equal(HttpStatusCode.OK, (await Post("/v1/models/criteo:predict", model.Body(true, 0, 1))).Status);
    }

    [Fact]
    public async Task Bodies_cut_and_changed_anywhere_are_no_fault_of_the_server()
    {
        byte[] whole = Encoding.UTF8.GetBytes(model.Body(true, 0, 2));
        var random = new Random(5);
        for (int i = 0; i < 1000; i++)
        {
            byte[] body = whole[..random.Next(1, whole.Length + 1)];
            body[random.Next(body.Length)] = (byte)random.Next(256);
            using HttpResponseMessage response = await _client.PostAsync("/v1/models/criteo:predict", new ByteArrayContent(body));
            Assert.True(response.StatusCode is HttpStatusCode.OK or HttpStatusCode.BadRequest, $"{response.StatusCode}: {Encoding.UTF8.GetString(body)}");
        }
    }

    [Fact]
    public async Task Too_much_is_refused()
    {
        (HttpStatusCode status, JsonElement answer) = await Post("/v1/models/criteo:predict", model.Body(false, 0, 201));
        Assert.Equal(HttpStatusCode.BadRequest, status);
        Assert.Equal("feature \"I1\" has 201 rows; at most 200 are allowed in a request", answer.GetProperty("error").GetString());

        (status, _) = await Post("/v1/models/criteo:predict", new string(' ', (1 << 20) + 1));
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, status);
    }

    [Fact]
    public async Task Tells_states_metadata_readiness_and_metrics()
    {
        JsonElement state = await Get("/v1/models/criteo/versions/1");
        Assert.Equal("AVAILABLE", state.GetProperty("model_version_status")[0].GetProperty("state").GetString());

        JsonElement metadata = await Get("/v1/models/criteo/metadata");
        Assert.Equal("1", metadata.GetProperty("model_spec").GetProperty("version").GetString());
        JsonElement signature = metadata.GetProperty("metadata").GetProperty("signature_def").GetProperty("signature_def").GetProperty("serving_default");
        Assert.Equal("DT_INT64", signature.GetProperty("inputs").GetProperty("C26").GetProperty("dtype").GetString());
        Assert.Equal("DT_FLOAT", signature.GetProperty("outputs").GetProperty("probability").GetProperty("dtype").GetString());

        await Post("/v1/models/criteo:predict", model.Body(true, 0, 3));
        Assert.Equal("ok", await _client.GetStringAsync("/healthz"));
        Assert.Equal("ready", await _client.GetStringAsync("/readyz"));
        string metrics = await _client.GetStringAsync("/metrics");
        Assert.Contains("oe_rows_total{model=\"criteo\"} 3", metrics);
        Assert.Contains("oe_request_seconds_count{model=\"criteo\"} 1", metrics);
    }

    [Fact]
    public async Task Versions_are_swapped_and_bad_ones_refused_while_requests_go_on()
    {
        using var stop = new CancellationTokenSource();
        var begun = new TaskCompletionSource();
        Task<int> asking = Task.Run(async () =>
        {
            int answered = 0;
            while (!stop.IsCancellationRequested)
            {
                Assert.Equal(HttpStatusCode.OK, (await Post("/v1/models/criteo:predict", model.Body(true, answered % 100, 5))).Status);
                answered++;
                begun.TrySetResult();
            }

            return answered;
        });
        await Task.WhenAny(begun.Task, asking);
        for (int version = 2; version <= 6; version++)
        {
            model.CopyTo(Path.Combine(_folder, $"{version}"));
            _server.Look();
            Assert.Equal(HttpStatusCode.OK, (await Post($"/v1/models/criteo/versions/{version}:predict", model.Body(true, 0, 1))).Status);
            Assert.Equal(HttpStatusCode.NotFound, (await Post($"/v1/models/criteo/versions/{version - 1}:predict", model.Body(true, 0, 1))).Status);
        }

        model.CopyTo(Path.Combine(_folder, "damaged"));
        using (FileStream file = File.OpenWrite(Path.Combine(_folder, "damaged", "model.onnx")))
        {
            file.Position = file.Length / 2;
            file.WriteByte(0xee);
        }

        Directory.Move(Path.Combine(_folder, "damaged"), Path.Combine(_folder, "7"));
        Directory.CreateDirectory(Path.Combine(_folder, "8"));
        _server.Look();
        _server.Look();

        string[] states = [.. (await Get("/v1/models/criteo")).GetProperty("model_version_status").EnumerateArray().Select(
            state => $"{state.GetProperty("version").GetString()} {state.GetProperty("state").GetString()}")];
        Assert.Equal(["8 END", "7 END", "6 AVAILABLE"], states);
        Assert.Single(_said, line => line.Contains("version 7 is refused") && line.EndsWith("is damaged: its checksum is not that of model.json; version 6 goes on"));
        Assert.Single(_said, line => line.Contains("version 8 is refused"));
        Assert.False(asking.IsCompleted, "a request failed");
        await stop.CancelAsync();
        Assert.True(await asking > 0);
    }

    [Fact]
    public async Task Clients_that_send_slowly_keep_no_others_waiting()
    {
        using var slow = new TcpClient();
        await slow.ConnectAsync(IPAddress.Loopback, _client.BaseAddress!.Port);
        await slow.GetStream().WriteAsync("POST /v1/models/criteo:predict HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n{"u8.ToArray());

        Assert.Equal(HttpStatusCode.OK, (await Post("/v1/models/criteo:predict", model.Body(true, 0, 1))).Status);
    }

    [Fact]
    public async Task A_version_goes_on_when_its_folder_is_lost()
    {
        Directory.Delete(Path.Combine(_folder, "1"), recursive: true);
        _server.Look();

        Assert.Equal(HttpStatusCode.OK, (await Post("/v1/models/criteo:predict", model.Body(true, 0, 1))).Status);
    }

    [Fact]
    public async Task A_port_that_is_taken_is_one_line()
    {
        int port = new Uri(_server.Address).Port;
        ServeOptions options = new ServeCommandLine().Parse(["--model", $"criteo={_folder}", "--rest-port", $"{port}"])!;

        Exception error = await Assert.ThrowsAnyAsync<Exception>(() => Server.Start(options, _said.Enqueue));

        Assert.StartsWith($"cannot listen on 127.0.0.1:{port}: ", error.Message);
    }

    private async Task<(HttpStatusCode Status, JsonElement Answer)> Post(string path, string body)
    {
        using HttpResponseMessage response = await _client.PostAsync(path, new StringContent(body, Encoding.UTF8, "application/json"));
        return (response.StatusCode, JsonDocument.Parse(await response.Content.ReadAsStringAsync()).RootElement);
    }

    private async Task<JsonElement> Get(string path) => JsonDocument.Parse(await _client.GetStringAsync(path)).RootElement;
}
