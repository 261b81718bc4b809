using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using OpenEmbedding.Collectives;
using OpenEmbedding.EmbeddingPs.Checkpoints;
using OpenEmbedding.Serving.Models;

namespace OpenEmbedding.Serving.Shards;

/// <summary>A process that holds shards of tables and gives rows of them; which shards, an <c>oe-serve</c> with <c>--shards</c> tells it.</summary>
internal sealed class ShardServer : IAsyncDisposable
{
    private readonly TcpListener _listener;
    private readonly Action<string> _say;
    private readonly CancellationTokenSource _stop = new();
    private readonly Lock _lock = new();
    private readonly SemaphoreSlim _loading = new(1);
    private readonly Dictionary<(string Identity, int Shard, int Shards), LoadedShard> _shards = [];
    private readonly HashSet<Task> _connections = [];
    private readonly Task _accepting;

    private ShardServer(TcpListener listener, Action<string> say)
    {
        _listener = listener;
        _say = say;
        _accepting = Accept();
    }

    /// <summary>Where it listens.</summary>
    public IPEndPoint Address => (IPEndPoint)_listener.LocalEndpoint;

    /// <summary>Listens.</summary>
    /// <exception cref="OpenEmbeddingException">It cannot.</exception>
    public static ShardServer Start(IPAddress address, int port, Action<string> say)
    {
        var listener = new TcpListener(address, port);
        try
        {
            listener.Start();
            return new ShardServer(listener, say);
        }
        catch (SocketException e)
        {
            listener.Dispose();
            throw new OpenEmbeddingException($"cannot listen on {address}:{port}: {e.Message}; --shard-port and --address choose another", innerException: e);
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_stop.IsCancellationRequested)
        {
            return;
        }

        await _stop.CancelAsync();
        _listener.Stop();
        await _accepting;
        await Task.WhenAll(Connections());
        foreach (LoadedShard shard in _shards.Values)
        {
            shard.Release();
        }

        _loading.Dispose();
        _stop.Dispose();
    }

    private async Task Accept()
    {
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                Socket socket = await _listener.AcceptSocketAsync(_stop.Token);
                socket.NoDelay = true;
                Task connection = Task.Run(() => Serve(socket));
                lock (_lock)
                {
                    _connections.RemoveWhere(task => task.IsCompleted);
                    _connections.Add(connection);
                }
            }
            catch (Exception e) when (e is SocketException or OperationCanceledException or ObjectDisposedException)
            {
                // A client that was gone before it was accepted, or the end.
            }
        }
    }

    private Task[] Connections()
    {
        lock (_lock)
        {
            return [.. _connections];
        }
    }

    private async Task Serve(Socket socket)
    {
        await using var stream = new NetworkStream(socket, ownsSocket: true);
        try
        {
            while (await ShardMessage.Read(stream, _stop.Token) is { } request)
            {
                (ShardStatus status, byte[] body) = await Answer(request);
                await ShardMessage.Write(stream, (int)status, body, _stop.Token);
            }
        }
        catch (OpenEmbeddingException e)
        {
            _say($"connection of {socket.RemoteEndPoint} is closed: {e.Message}");
        }
        catch (Exception e) when (e is IOException or OperationCanceledException)
        {
            // The other side is gone, or this one ends.
        }
    }

    private async Task<(ShardStatus Status, byte[] Body)> Answer(ShardMessage request)
    {
        try
        {
            switch ((ShardRequest)request.Code)
            {
                case ShardRequest.Lookup:
                    return Look(Lookup.Read(request.Body));
                case ShardRequest.Load:
                    await Load(ShardAssignment.Read(request.Body));
                    return (ShardStatus.Ok, []);
                case ShardRequest.Unload:
                    Unload(ShardAssignment.Read(request.Body));
                    return (ShardStatus.Ok, []);
                case ShardRequest.State:
                    return (ShardStatus.Ok, ShardAssignment.ToBytes(Assignments()));
                default:
                    return (ShardStatus.Malformed, Encoding.UTF8.GetBytes($"request {request.Code} is unknown; 1 to 4 are allowed"));
            }
        }
        catch (JsonException e)
        {
            return (ShardStatus.Malformed, Encoding.UTF8.GetBytes(e.Message.ReplaceLineEndings(" ")));
        }
        catch (OpenEmbeddingException e)
        {
            return (ShardStatus.Failed, Encoding.UTF8.GetBytes(e.Message));
        }
    }

    private (ShardStatus Status, byte[] Body) Look(Lookup lookup)
    {
        LoadedShard? shard;
        lock (_lock)
        {
            shard = _shards.GetValueOrDefault((lookup.Identity, lookup.Shard, lookup.Shards));
        }

        if (shard is null || !shard.TryHold())
        {
            return (ShardStatus.NotFound, Encoding.UTF8.GetBytes($"not found model {lookup.Identity[..12]}, shard {lookup.Shard} of {lookup.Shards}"));
        }

        try
        {
            return (ShardStatus.Ok, shard.Read(lookup));
        }
        finally
        {
            shard.Release();
        }
    }

    // One after the other, so that memory grows by one shard at a time and a shard is not loaded twice.
    private async Task Load(ShardAssignment wanted)
    {
        await _loading.WaitAsync(_stop.Token);
        try
        {
            lock (_lock)
            {
                if (_shards.ContainsKey(KeyOf(wanted)))
                {
                    return;
                }
            }

            LoadedShard loaded = Open(wanted);
            lock (_lock)
            {
                _shards.Add(KeyOf(wanted), loaded);
            }

            _say($"{wanted.Name} is loaded: {loaded.Rows} rows");
        }
        finally
        {
            _loading.Release();
        }
    }

    private static LoadedShard Open(ShardAssignment wanted)
    {
        if (wanted.Shards < 1 || wanted.Shard < 0 || wanted.Shard >= wanted.Shards)
        {
            throw new OpenEmbeddingException($"{wanted.Name}: there is no such shard");
        }

        try
        {
            byte[] text = File.ReadAllBytes(Path.Combine(wanted.Folder, ModelVersion.DescriptionFile));
            if (ShardAssignment.IdentityOf(wanted.Model, wanted.Version, text) != wanted.Identity)
            {
                throw new OpenEmbeddingException($"not found model: {wanted.Folder} is another model than version {wanted.Version} of {wanted.Model}");
            }

            using JsonDocument description = JsonDocument.Parse(text);
            ServedTables served = ServedTables.Read(description.RootElement)
                ?? throw new OpenEmbeddingException($"{wanted.Folder} is a whole model, whose tables are in it; oe-train --export-dense makes one for shards");
            return new LoadedShard(wanted, served, TableShards.Load(served, wanted.Folder, wanted.Shard, wanted.Shards));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new OpenEmbeddingException($"{wanted.Folder} cannot be read: {e.Message}", innerException: e);
        }
    }

    private void Unload(ShardAssignment unwanted)
    {
        LoadedShard? shard;
        lock (_lock)
        {
            _shards.Remove(KeyOf(unwanted), out shard);
        }

        if (shard is not null)
        {
            shard.Release();
            _say($"{unwanted.Name} is let go");
        }
    }

    private IReadOnlyList<ShardAssignment> Assignments()
    {
        lock (_lock)
        {
            return [.. _shards.Values.Select(shard => shard.Assignment)];
        }
    }

    private static (string Identity, int Shard, int Shards) KeyOf(ShardAssignment assignment) => (assignment.Identity, assignment.Shard, assignment.Shards);
}
