using OpenEmbedding.Collectives;
using OpenEmbedding.EmbeddingPs.Client;
using OpenEmbedding.EmbeddingPs.Protocol;
using OpenEmbedding.EmbeddingPs.Server;
using OpenEmbedding.EmbeddingPs.Tables;

namespace OpenEmbedding.EmbeddingPs.Tests.Server;

/// <summary>
/// Servers on threads of their own and a client for each trainer, in one process. The test drives all clients from its thread, so that it
/// decides in which order requests arrive.
/// </summary>
internal sealed class PsCluster : IDisposable
{
    public static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    private readonly List<Thread> _threads = [];
    private readonly Exception?[] _serverErrors;
    private readonly bool _mayFail;

    /// <summary>Starts servers.</summary>
    /// <param name="trainers">The number of trainers, from rank 0.</param>
    /// <param name="servers">The number of ranks behind the trainers' that only serve; without it every trainer's rank serves too.</param>
    /// <param name="staleness">As in a job.</param>
    /// <param name="mayFail">Whether a server's error is no failure of the test.</param>
    /// <param name="wire">As in a job.</param>
    /// <param name="threads">As in a job.</param>
    public PsCluster(int trainers, int? servers, int staleness = 0, bool mayFail = false, WireOptions? wire = null, int threads = 1)
    {
        _mayFail = mayFail;
        int[] trainerRanks = [.. Enumerable.Range(0, trainers)];
        Layout = new ClusterLayout(trainerRanks, servers is { } count ? [.. Enumerable.Range(trainers, count)] : trainerRanks);
        Messenger = new LoopbackMessenger(trainers + (servers ?? 0));
        _serverErrors = new Exception?[Layout.Servers.Count];
        for (int shard = 0; shard < Layout.Servers.Count; shard++)
        {
            StartServer(shard, staleness, wire, threads);
        }

        Trainers = [.. trainerRanks.Select(rank => new EmbeddingClient(Messenger[rank], Layout, staleness, wire))];
    }

    public ClusterLayout Layout { get; }

    public LoopbackMessenger Messenger { get; }

    public EmbeddingClient[] Trainers { get; }

    /// <summary>Runs an action of every trainer at the same time, for those that wait for each other; gives what they threw.</summary>
    public static Exception?[] Together(int count, Action<int> action)
    {
        var errors = new Exception?[count];
        var threads = Enumerable.Range(0, count).Select(i => new Thread(() => errors[i] = Record.Exception(() => action(i)))).ToArray();
        Array.ForEach(threads, thread => thread.Start());
        for (int i = 0; i < count; i++)
        {
            Assert.True(threads[i].Join(Limit), $"trainer {i} of {count} still waits after {Limit.TotalSeconds} s");
        }

        return errors;
    }

    public PsCluster CreateTables(params TableOptions[] tables)
    {
        Assert.All(Together(Trainers.Length, trainer => Trainers[trainer].CreateTables(tables)), Assert.Null);
        return this;
    }

    /// <summary>Waits for the servers and gives what they threw.</summary>
    public Exception?[] ServerErrors()
    {
        for (int shard = 0; shard < _threads.Count; shard++)
        {
            Assert.True(_threads[shard].Join(Limit), $"server {shard} of {_threads.Count} still runs after {Limit.TotalSeconds} s");
        }

        return _serverErrors;
    }

    /// <summary>Says goodbye from every trainer and waits for the servers.</summary>
    public void Dispose()
    {
        Together(Trainers.Length, trainer => Trainers[trainer].Dispose());
        var errors = ServerErrors();
        if (!_mayFail)
        {
            Assert.All(errors, Assert.Null);
        }
    }

    private void StartServer(int shard, int staleness, WireOptions? wire, int threads)
    {
        var server = new EmbeddingServer(Messenger[Layout.Servers[shard]], Layout, staleness, wire) { Threads = threads };
        var thread = new Thread(() => _serverErrors[shard] = Record.Exception(server.Run));
        thread.Start();
        _threads.Add(thread);
    }
}
