using Microsoft.Extensions.Hosting;

namespace OpenEmbedding.Serving.Models;

/// <summary>Looks at the folders of all models again and again, since notifications of changes do not come from network file systems.</summary>
internal sealed class VersionWatch(IReadOnlyDictionary<string, ServedModel> models, TimeSpan interval, Action<string> say) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(interval);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken))
            {
                foreach (ServedModel model in models.Values)
                {
                    Look(model);
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The server stops.
        }
    }

    private void Look(ServedModel model)
    {
        try
        {
            model.Look();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            say($"model {model.Name}: its folder cannot be read, and the version that is served goes on: {e.Message}");
        }
    }
}
