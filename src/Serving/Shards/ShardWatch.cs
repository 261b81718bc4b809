using Microsoft.Extensions.Hosting;

namespace OpenEmbedding.Serving.Shards;

/// <summary>Tends the shard processes again and again.</summary>
internal sealed class ShardWatch(ShardCluster cluster, TimeSpan interval) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(interval);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken))
            {
                await cluster.Tend(stoppingToken);
            }
        }
        catch (OperationCanceledException)
        {
            // The server stops.
        }
    }
}
