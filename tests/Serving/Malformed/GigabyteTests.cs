using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace OpenEmbedding.Serving.Tests.Malformed;

/// <summary>Bodies of a gigabyte are refused where the limit is, and not read.</summary>
[Trait("Kind", "Job")]
[Collection(nameof(TrainedModel))]
public sealed class GigabyteTests(TrainedModel model) : IAsyncLifetime
{
    private const int Gigabyte = 1 << 30;

    // The limit, and what the buffers of both sides hold.
    private const int MostSent = 64 << 20;
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(60);
    private readonly string _folder = Directory.CreateTempSubdirectory("oe-serve-").FullName;
    private Server _server = null!;
    private HttpClient _client = null!;

    public async Task InitializeAsync()
    {
        model.CopyTo(Path.Combine(_folder, "1"));
        ServeOptions options = new ServeCommandLine().Parse(
            ["--model", $"criteo={_folder}", "--rest-port", "0", "--grpc-port", "0", "--max-body-mb", "1", "--poll-seconds", "3600"])!;
        _server = await Server.Start(options, _ => { });
        _client = new HttpClient { BaseAddress = new Uri(_server.Address), Timeout = _limit };
    }

    public async Task DisposeAsync()
    {
        _client.Dispose();
        await _server.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    [Theory]
    [InlineData("Content-Length: 1073741824", false)]
    [InlineData("Transfer-Encoding: chunked", true)]
    public async Task Rest_refuses_it(string header, bool isChunked)
    {
        using var end = new CancellationTokenSource(_limit);
        using var socket = new TcpClient();
        await socket.ConnectAsync(IPAddress.Loopback, new Uri(_server.Address).Port, end.Token);
        NetworkStream stream = socket.GetStream();
        await stream.WriteAsync(Encoding.ASCII.GetBytes($"POST /v1/models/criteo:predict HTTP/1.1\r\nHost: a\r\n{header}\r\n\r\n"), end.Token);
        using var reader = new StreamReader(stream);
        Task<string?> answer = reader.ReadLineAsync(end.Token).AsTask();

        byte[] zeros = new byte[1 << 16];
        byte[] piece = isChunked ? [.. "10000\r\n"u8, .. zeros, .. "\r\n"u8] : zeros;
        long sent = await Send(stream, piece, answer, end.Token);

        Assert.StartsWith("HTTP/1.1 413 ", await answer);
        Assert.InRange(sent, 0, MostSent);
        await AssertAnswers();
    }

    [Fact]
    public async Task Grpc_refuses_it()
    {
        var content = new Zeros();
        using var request = new HttpRequestMessage(HttpMethod.Post, $"{_server.GrpcAddress}/tensorflow.serving.PredictionService/Predict")
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = content,
            Headers = { { "TE", "trailers" } },
        };

        using HttpResponseMessage response = await _client.SendAsync(request);

        Assert.Equal("8", Assert.Single(response.Headers.GetValues("grpc-status")));
        Assert.InRange(content.Sent, 0, MostSent);
        await AssertAnswers();
    }

    private static async Task<long> Send(NetworkStream stream, byte[] piece, Task answer, CancellationToken stop)
    {
        long sent = 0;
        try
        {
            for (; sent < Gigabyte && !answer.IsCompleted; sent += piece.Length)
            {
                await stream.WriteAsync(piece, stop);
            }
        }
        catch (IOException)
        {
            // The server has closed the connection after its answer.
        }

        return sent;
    }

    private async Task AssertAnswers()
    {
        using HttpResponseMessage response = await _client.PostAsync("/v1/models/criteo:predict", new StringContent(model.Body(true, 0, 1)));
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
    }

    /// <summary>A message of a gigabyte.</summary>
    private sealed class Zeros : HttpContent
    {
        public Zeros() => Headers.Add("Content-Type", "application/grpc");

        public long Sent { get; private set; }

        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            byte[] frame = new byte[5];
            BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(1), Gigabyte);
            await stream.WriteAsync(frame);
            byte[] piece = new byte[1 << 16];
            for (; Sent < Gigabyte; Sent += piece.Length)
            {
                await stream.WriteAsync(piece);
            }
        }

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }
}
