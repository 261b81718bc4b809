using System.Net;
using System.Net.Sockets;
using System.Text;
using OpenEmbedding.Collectives;

namespace OpenEmbedding.Trainer.Observation.Prometheus;

/// <summary>Answers <c>GET /metrics</c> with a text, one request a connection; what else comes gets an error or no answer, and hurts nobody.</summary>
internal sealed class MetricsListener : IDisposable
{
    private const int LongestHead = 8192;
    private const int MostConnections = 16;
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(5);
    private readonly TcpListener _listener;
    private readonly Func<string> _text;
    private readonly CancellationTokenSource _end = new();
    private readonly SemaphoreSlim _room = new(MostConnections);
    private readonly Task _accepting;

    /// <summary>Begins to listen.</summary>
    /// <param name="host">An address of this machine, or a name of it.</param>
    /// <param name="port">The port; 0 takes a free one.</param>
    /// <param name="text">Gives the text; any thread calls it.</param>
    /// <exception cref="OpenEmbeddingException">The address is not one of this machine, or the port is taken.</exception>
    public MetricsListener(string host, int port, Func<string> text)
    {
        _text = text;
        try
        {
            IPAddress address = IPAddress.TryParse(host, out IPAddress? given) ? given : Dns.GetHostAddresses(host)[0];
            _listener = new TcpListener(address, port);
            _listener.Start();
        }
        catch (SocketException failure)
        {
            throw new OpenEmbeddingException(
                $"output.metrics_port: cannot listen on {host}, port {port}: {failure.Message}; allowed: a free port and an address of this machine", JobExitCode.Configuration);
        }

        _accepting = Accept();
    }

    /// <summary>Where the metrics are.</summary>
    public Uri Address => new($"http://{_listener.LocalEndpoint}/metrics");

    /// <inheritdoc/>
    public void Dispose()
    {
        _end.Cancel();
        _listener.Dispose();
        _accepting.Wait();
        _end.Dispose();
    }

    private async Task Accept()
    {
        await Task.Yield();
        try
        {
            while (true)
            {
                await _room.WaitAsync(_end.Token).ConfigureAwait(false);
                _ = Answer(await _listener.AcceptTcpClientAsync(_end.Token).ConfigureAwait(false));
            }
        }
        catch (Exception end) when (end is OperationCanceledException or ObjectDisposedException or SocketException)
        {
            // The job goes on without metrics.
        }
    }

    private async Task Answer(TcpClient client)
    {
        try
        {
            using TcpClient connection = client;
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(_end.Token);
            limit.CancelAfter(_patience);
            NetworkStream stream = connection.GetStream();
            byte[] answer = AnswerTo(await ReadHead(stream, limit.Token).ConfigureAwait(false));
            await stream.WriteAsync(answer, limit.Token).ConfigureAwait(false);
            connection.Client.Shutdown(SocketShutdown.Send);
        }
        catch (Exception lost) when (lost is IOException or OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // Whoever asked is gone or too slow.
        }
        finally
        {
            _room.Release();
        }
    }

    /// <summary>The first line of a request, read to the end of its head; empty for one that is too long or ends too soon.</summary>
    private static async Task<string> ReadHead(NetworkStream stream, CancellationToken end)
    {
        byte[] head = new byte[LongestHead];
        int length = 0;
        while (length < head.Length)
        {
            int read = await stream.ReadAsync(head.AsMemory(length), end).ConfigureAwait(false);
            length += read;
            if (head.AsSpan(0, length).IndexOf("\r\n\r\n"u8) >= 0)
            {
                return Encoding.ASCII.GetString(head.AsSpan(0, head.AsSpan().IndexOf("\r\n"u8)));
            }

            if (read == 0)
            {
                break;
            }
        }

        return "";
    }

    private byte[] AnswerTo(string request)
    {
        string[] words = request.Split(' ');
        (string status, string body) = words switch
        {
            ["GET", _, ['H', 'T', 'T', 'P', '/', '1', '.', ..]] when words[1].Split('?')[0] == "/metrics" => ("200 OK", _text()),
            ["GET", _, ['H', 'T', 'T', 'P', '/', '1', '.', ..]] => ("404 Not Found", "metrics are at /metrics\n"),
            [_, _, ['H', 'T', 'T', 'P', '/', '1', '.', ..]] => ("405 Method Not Allowed", "allowed is GET\n"),
            _ => ("400 Bad Request", "not an HTTP request\n"),
        };
        byte[] content = Encoding.UTF8.GetBytes(body);
        string head = $"HTTP/1.1 {status}\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\nContent-Length: {content.Length}\r\nConnection: close\r\n{(status[0..3] == "405" ? "Allow: GET\r\n" : "")}\r\n";
        return [.. Encoding.ASCII.GetBytes(head), .. content];
    }
}
