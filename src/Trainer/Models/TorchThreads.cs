using System.Globalization;
using static TorchSharp.torch;

namespace OpenEmbedding.Trainer.Models;

/// <summary>Shares the cores of a host among its ranks.</summary>
public static class TorchThreads
{
    /// <summary>Gives torch this rank's share of the cores, at least one thread.</summary>
    /// <param name="ranksOnHost">Ranks of the job on this host, at least 1.</param>
    public static void Share(int ranksOnHost) =>
        set_num_threads(Of(Environment.ProcessorCount, ranksOnHost, Environment.GetEnvironmentVariable("SLURM_CPUS_PER_TASK")));

    /// <summary>The threads of one rank.</summary>
    /// <param name="cores">Cores that this process may use.</param>
    /// <param name="ranksOnHost">Ranks of the job on this host, at least 1.</param>
    /// <param name="coresOfTask">
    /// What Slurm was asked for a task, null if nothing. Where Slurm binds tasks, <paramref name="cores"/> are those of this rank alone, and not to be shared.
    /// </param>
    public static int Of(int cores, int ranksOnHost, string? coresOfTask) =>
        int.TryParse(coresOfTask, NumberStyles.None, CultureInfo.InvariantCulture, out int asked)
            ? Math.Clamp(asked, 1, cores)
            : Math.Max(1, cores / ranksOnHost);
}
