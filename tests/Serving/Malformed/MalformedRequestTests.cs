using System.Buffers.Binary;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Google.Protobuf;
using Grpc.Core;
using OpenEmbedding.Serving.Grpc.Messages;

namespace OpenEmbedding.Serving.Tests.Malformed;

/// <summary>Thousands of requests that are valid but for a mistake: none is a fault of the server, and after each it answers a valid one.</summary>
[Trait("Kind", "Job")]
[Collection(nameof(TrainedModel))]
public sealed class MalformedRequestTests(TrainedModel model) : IAsyncLifetime
{
    private const string RestPath = "/v1/models/criteo:predict";
    private const string GrpcPath = "/tensorflow.serving.PredictionService/Predict";
    private readonly string _folder = Directory.CreateTempSubdirectory("oe-serve-").FullName;
    private Server _server = null!;
    private HttpClient _client = null!;

    public async Task InitializeAsync()
    {
        model.CopyTo(Path.Combine(_folder, "1"));
        ServeOptions options = new ServeCommandLine().Parse(
            ["--model", $"criteo={_folder}", "--rest-port", "0", "--grpc-port", "0", "--max-batch", "200", "--max-body-mb", "1", "--poll-seconds", "3600"])!;
        _server = await Server.Start(options, _ => { });
        _client = new HttpClient { BaseAddress = new Uri(_server.Address), Timeout = TimeSpan.FromSeconds(60) };
    }

    public async Task DisposeAsync()
    {
        _client.Dispose();
        await _server.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public Task Rest_goes_on_after_hundreds() => AssertRestGoesOn(500);

    [Fact]
    [Trait("Kind", "Long")]
    public Task Rest_goes_on_after_thousands() => AssertRestGoesOn(10_000);

    [Fact]
    public Task Grpc_goes_on_after_hundreds() => AssertGrpcGoesOn(500);

    [Fact]
    [Trait("Kind", "Long")]
    public Task Grpc_goes_on_after_thousands() => AssertGrpcGoesOn(10_000);

    [Theory]
    [InlineData("PredictionService/Predict", "PredictRequest")]
    [InlineData("PredictionService/GetModelMetadata", "GetModelMetadataRequest")]
    [InlineData("ModelService/GetModelStatus", "GetModelStatusRequest")]
    public async Task A_message_that_is_cut_is_the_fault_of_the_client(string method, string message)
    {
        (StatusCode code, string error) = await PostMessage([0x0a, 0x7f, 0x00], $"/tensorflow.serving.{method}");

        Assert.Equal(StatusCode.InvalidArgument, code);
        Assert.StartsWith($"the message is not a {message}: ", error);
        Assert.Equal(1, await CountedErrors());
    }

    [Fact]
    public Task Grpc_goes_on_after_a_hundred_damaged_frames() => AssertGrpcGoesOnAfterFrames(100);

    [Fact]
    [Trait("Kind", "Long")]
    public Task Grpc_goes_on_after_thousands_of_damaged_frames() => AssertGrpcGoesOnAfterFrames(5000);

    /// <summary>What is no HTTP/2 at all, and streams that end in the middle.</summary>
    [Fact]
    public async Task Grpc_goes_on_after_connections_that_make_no_sense()
    {
        byte[] preface = [.. "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8, 0, 0, 0, 4, 0, 0, 0, 0, 0];
        int port = new Uri(_server.GrpcAddress!).Port;
        for (int seed = 0; seed < 100; seed++)
        {
            var random = new Random(seed);
            byte[] noise = new byte[random.Next(1, 300)];
            random.NextBytes(noise);
            using var client = new TcpClient();
            await client.ConnectAsync(IPAddress.Loopback, port);
            await client.GetStream().WriteAsync(seed % 2 == 0 ? noise : [.. preface, .. noise]);
            if (seed % 3 == 0)
            {
                client.LingerState = new LingerOption(enable: true, seconds: 0);
            }
        }

        Assert.Equal((StatusCode.OK, ""), await PostMessage(model.Message(0, 2, asContent: false).ToByteArray()));
    }

    [Theory]
    [InlineData(long.MinValue)]
    [InlineData(-2)]
    [InlineData(1L << 40)]
    [InlineData(long.MaxValue)]
    public async Task Every_integer_is_a_category(long category)
    {
        string columns = string.Join(',', RequestRows.Columns().Select(column => $"\"{column.Name}\":[{(column.Name[0] == 'I' ? 1 : category)}]"));
        PredictRequest message = model.Message(0, 1, asContent: false);
        foreach (TensorProto tensor in message.Inputs.Values.Where(tensor => tensor.Dtype == DataType.DtInt64))
        {
            tensor.Int64Val[0] = category;
        }

        (HttpStatusCode status, string text) = await PostJson(Encoding.UTF8.GetBytes($"{{\"inputs\":{{{columns}}}}}"));

        Assert.Equal(HttpStatusCode.OK, status);
        Assert.InRange(JsonDocument.Parse(text).RootElement.GetProperty("outputs")[0][0].GetDouble(), 0, 1);
        Assert.Equal((StatusCode.OK, ""), await PostMessage(message.ToByteArray()));
    }

    private async Task AssertRestGoesOn(int requests)
    {
        string[] valid = [model.Body(byRow: true, 0, 2), model.Body(byRow: false, 0, 2)];
        string expected = (await PostJson(Encoding.UTF8.GetBytes(valid[0]))).Text;
        int refused = 0;
        for (int seed = 0; seed < requests; seed++)
        {
            (byte[] body, string? feature) = SpoiledJson.Of(valid[seed % 2], new Random(seed));

            (HttpStatusCode status, string text) = await PostJson(body);

            string what = $"seed {seed}: {(int)status} {text} for {Encoding.UTF8.GetString(body)}";
            Assert.True(status is HttpStatusCode.BadRequest || (status is HttpStatusCode.OK && feature is null), what);
            if (status != HttpStatusCode.OK)
            {
                refused++;
                string error = JsonDocument.Parse(text).RootElement.GetProperty("error").GetString()!;
                Assert.True(error.Length is > 0 and < 10_000 && !error.Contains('\n') && (feature is null || error.Contains($"\"{feature}\"")), what);
            }

            Assert.Equal((HttpStatusCode.OK, expected), await PostJson(Encoding.UTF8.GetBytes(valid[0])));
        }

        Assert.InRange(refused, requests * 3 / 4, requests);
    }

    private async Task AssertGrpcGoesOn(int requests)
    {
        PredictRequest[] valid = [model.Message(0, 2, asContent: false), model.Message(0, 2, asContent: false)];
        valid[1].Inputs["C1"].TensorContent = model.Message(0, 2, asContent: true).Inputs["C1"].TensorContent;
        int refused = 0;
        for (int seed = 0; seed < requests; seed++)
        {
            (byte[] message, string? feature) = SpoiledMessage.Of(valid[seed % 2], new Random(seed));

            (StatusCode code, string error) = await PostMessage(message);

            string what = $"seed {seed}: {code} {error} for {Convert.ToHexString(message)}";
            Assert.True(code is StatusCode.InvalidArgument || (code is StatusCode.OK or StatusCode.NotFound && feature is null), what);
            if (code != StatusCode.OK)
            {
                refused++;
                Assert.True(error.Length is > 0 and < 10_000 && !error.Contains('\n') && (feature is null || error.Contains($"\"{feature}\"")), what);
            }

            Assert.Equal((StatusCode.OK, ""), await PostMessage(valid[0].ToByteArray()));
        }

        Assert.InRange(refused, requests * 3 / 4, requests);
        Assert.Equal(refused, await CountedErrors());
    }

    // A length that is not the message's, a message that is not compressed but says so, one cut off, two in one.
    private async Task AssertGrpcGoesOnAfterFrames(int requests)
    {
        byte[] message = model.Message(0, 2, asContent: false).ToByteArray();
        byte[] valid = Frame(message);
        byte[][] strange = [[0xff, 0xff, 0xff, 0xff], [0x7f, 0xff, 0xff, 0xff], [0, 0, 0, 0, 0], [1, 0, 0, 0, 0], valid];
        int refused = 0;
        for (int seed = 0; seed < requests; seed++)
        {
            var random = new Random(seed);
            byte[] frame = seed % 2 == 0 ? [.. SpoiledBytes.Of(valid[..5], random, strange), .. message] : SpoiledBytes.Of(valid, random, strange);

            (StatusCode code, string error) = await PostFrame(frame);

            string what = $"seed {seed}: {code} {error} for {Convert.ToHexString(frame)}";
            Assert.True(code is StatusCode.OK or StatusCode.InvalidArgument or StatusCode.NotFound or StatusCode.ResourceExhausted or StatusCode.Internal or StatusCode.Unimplemented, what);
            refused += code == StatusCode.OK ? 0 : 1;
            Assert.Equal((StatusCode.OK, ""), await PostMessage(message));
        }

        Assert.InRange(refused, requests * 3 / 4, requests);
        Assert.Equal(refused, await CountedErrors());
    }

    private async Task<double> CountedErrors()
    {
        string metrics = await _client.GetStringAsync("/metrics");
        return metrics.Split('\n').Where(line => line.StartsWith("oe_errors_total{", StringComparison.Ordinal)).Sum(line => double.Parse(line.Split(' ')[1], CultureInfo.InvariantCulture));
    }

    private async Task<(HttpStatusCode Status, string Text)> PostJson(byte[] body)
    {
        using HttpResponseMessage response = await _client.PostAsync(RestPath, new ByteArrayContent(body));
        return (response.StatusCode, await response.Content.ReadAsStringAsync());
    }

    private static byte[] Frame(byte[] message)
    {
        byte[] frame = new byte[5 + message.Length];
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(1), message.Length);
        message.CopyTo(frame, 5);
        return frame;
    }

    private Task<(StatusCode Code, string Error)> PostMessage(byte[] message, string path = GrpcPath) => PostFrame(Frame(message), path);

    // Without a client of gRPC, which would not send what is no message.
    private async Task<(StatusCode Code, string Error)> PostFrame(byte[] frame, string path = GrpcPath)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, $"{_server.GrpcAddress}{path}")
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = new ByteArrayContent(frame) { Headers = { { "Content-Type", "application/grpc" } } },
            Headers = { { "TE", "trailers" } },
        };
        using HttpResponseMessage response = await _client.SendAsync(request);
        await response.Content.ReadAsByteArrayAsync();
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        var status = response.Headers.Concat(response.TrailingHeaders).Where(header => header.Key.StartsWith("grpc-")).ToDictionary(header => header.Key, header => header.Value.Single());
        return ((StatusCode)int.Parse(status["grpc-status"]), Uri.UnescapeDataString(status.GetValueOrDefault("grpc-message", "")));
    }
}
