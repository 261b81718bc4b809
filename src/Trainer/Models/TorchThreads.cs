using static TorchSharp.torch;

namespace OpenEmbedding.Trainer.Models;

/// <summary>Shares the cores of a host among its ranks.</summary>
public static class TorchThreads
{
    /// <summary>Gives torch this rank's share of the cores, at least one thread.</summary>
    /// <param name="ranksOnHost">Ranks of the job on this host, at least 1.</param>
    public static void Share(int ranksOnHost) => set_num_threads(Math.Max(1, Environment.ProcessorCount / ranksOnHost));
}
