using OpenEmbedding.EmbeddingPs.HotRows;
using OpenEmbedding.EmbeddingPs.Tables;
using OpenEmbedding.EmbeddingPs.Tests.Server;

namespace OpenEmbedding.EmbeddingPs.Tests.HotRows;

/// <summary>Servers and trainers in one process, whose trainers hold replicas.</summary>
internal sealed class HotCluster : IDisposable
{
    private readonly PsCluster _cluster;

    public HotCluster(int trainers, int? servers, HotRowOptions options)
    {
        _cluster = new PsCluster(trainers, servers);
        var exchange = new LoopbackExchange(trainers);
        Trainers = [.. _cluster.Trainers.Select((client, trainer) => new HotRowStore(client, exchange.Trainers[trainer], trainer, options))];
    }

    public HotRowStore[] Trainers { get; }

    public HotCluster CreateTables(params TableOptions[] tables)
    {
        Assert.All(PsCluster.Together(Trainers.Length, trainer => Trainers[trainer].CreateTables(tables)), Assert.Null);
        return this;
    }

    public void Dispose()
    {
        Assert.All(PsCluster.Together(Trainers.Length, trainer => Trainers[trainer].Dispose()), Assert.Null);
        _cluster.Dispose();
    }
}
