using System.Collections.Concurrent;
using System.Net.Sockets;
using System.Text;
using OpenEmbedding.Collectives;

namespace OpenEmbedding.Serving.Shards;

/// <summary>A shard process as its clients see it: connections that are used again, and what it holds as far as is known.</summary>
/// <remarks>Any thread may call it.</remarks>
internal sealed class ShardNode(string host, int port) : IDisposable
{
    private static readonly TimeSpan _connectLimit = TimeSpan.FromSeconds(2);
    private readonly ConcurrentBag<NetworkStream> _free = [];
    private volatile IReadOnlyList<ShardAssignment> _holds = [];
    private volatile string? _problem = "not asked yet";

    /// <summary>How it is named, <c>host:port</c>.</summary>
    public string Name { get; } = $"{host}:{port}";

    /// <summary>Why it does not answer; <c>null</c> when it did at last.</summary>
    public string? Problem => _problem;

    /// <summary>The shards that it held when it was asked last.</summary>
    public IReadOnlyList<ShardAssignment> Holds => _holds;

    /// <summary>Sends a request and takes the answer.</summary>
    /// <param name="request">What is asked for.</param>
    /// <param name="body">Its body.</param>
    /// <param name="limit">The longest wait.</param>
    /// <param name="stop">Ends the wait.</param>
    /// <exception cref="ShardException">It does not answer, or refuses.</exception>
    public async Task<byte[]> Ask(ShardRequest request, ReadOnlyMemory<byte> body, TimeSpan limit, CancellationToken stop)
    {
        // A process that has come back knows nothing of connections to the one before.
        while (_free.TryTake(out NetworkStream? used))
        {
            if (await Try(used, request, body, limit, stop) is { } early)
            {
                return Unpack(early);
            }
        }

        NetworkStream stream = await Connect(stop);
        return await Try(stream, request, body, limit, stop) is { } answer
            ? Unpack(answer)
            : throw Gone("the connection broke");
    }

    /// <summary>Asks what it holds.</summary>
    /// <returns>Whether it answered.</returns>
    public async Task<bool> Refresh(TimeSpan limit, CancellationToken stop)
    {
        try
        {
            _holds = ShardAssignment.ReadAll(await Ask(ShardRequest.State, default, limit, stop));
            _problem = null;
            return true;
        }
        catch (ShardException e)
        {
            _holds = [];
            _problem = e.Message;
            return false;
        }
    }

    public void Dispose() => Forget();

    private async Task<ShardMessage?> Try(NetworkStream stream, ShardRequest request, ReadOnlyMemory<byte> body, TimeSpan limit, CancellationToken stop)
    {
        using var timer = CancellationTokenSource.CreateLinkedTokenSource(stop);
        timer.CancelAfter(limit);
        bool isWhole = false;
        try
        {
            await ShardMessage.Write(stream, (int)request, body, timer.Token);
            ShardMessage? answer = await ShardMessage.Read(stream, timer.Token);
            isWhole = answer is not null;
            return answer;
        }
        catch (OperationCanceledException) when (!stop.IsCancellationRequested)
        {
            throw Gone($"no answer within {limit.TotalSeconds} s");
        }
        catch (Exception e) when (e is IOException or OpenEmbeddingException or ObjectDisposedException)
        {
            return null;
        }
        finally
        {
            if (isWhole)
            {
                _free.Add(stream);
            }
            else
            {
                await stream.DisposeAsync();
            }
        }
    }

    private async Task<NetworkStream> Connect(CancellationToken stop)
    {
        using var timer = CancellationTokenSource.CreateLinkedTokenSource(stop);
        timer.CancelAfter(_connectLimit);
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(host, port, timer.Token);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch (SocketException e)
        {
            socket.Dispose();
            throw Gone(e.Message);
        }
        catch (OperationCanceledException)
        {
            socket.Dispose();
            throw stop.IsCancellationRequested ? new OperationCanceledException(stop) : Gone($"no connection within {_connectLimit.TotalSeconds} s");
        }
    }

    private byte[] Unpack(ShardMessage answer) => (ShardStatus)answer.Code == ShardStatus.Ok
        ? answer.Body
        : throw new ShardException($"{Name}: {Encoding.UTF8.GetString(answer.Body)}");

    private ShardException Gone(string why)
    {
        _holds = [];
        _problem = why;
        Forget();
        return new ShardException($"{Name}: {why}");
    }

    private void Forget()
    {
        while (_free.TryTake(out NetworkStream? stream))
        {
            stream.Dispose();
        }
    }
}

/// <summary>A shard process that does not answer, or refuses; the message is one line that begins with its name.</summary>
internal sealed class ShardException(string message) : Exception(message);
