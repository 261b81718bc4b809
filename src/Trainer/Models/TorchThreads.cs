using System.Globalization;
using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace OpenEmbedding.Trainer.Models;

/// <summary>Shares the cores of a host among its ranks.</summary>
public static partial class TorchThreads
{
    // Hydra sets it in ranks that it has bound to cores.
    private const string BoundByHydra = "HYDRA_USER_PROVIDED_BINDING";

    // Slurm sets it where a job asked for cores for each task.
    private const string CoresOfTask = "SLURM_CPUS_PER_TASK";

    private const int OnlineProcessors = 84;

    /// <summary>Gives torch this trainer's share of the cores that servers leave, at least one thread.</summary>
    /// <param name="trainersOnHost">Ranks on this host that train, at least 1.</param>
    /// <param name="serversOnHost">Ranks on this host that only serve: each has a core.</param>
    public static void Share(int trainersOnHost, int serversOnHost = 0)
    {
        set_num_threads(ShareOf(trainersOnHost, serversOnHost));
    }

    /// <summary>The threads of a rank that only serves: its share of the cores, or one where trainers have the others.</summary>
    /// <param name="trainersOnHost">Ranks on this host that train.</param>
    /// <param name="serversOnHost">Ranks on this host that only serve, at least 1.</param>
    public static int OfServer(int trainersOnHost, int serversOnHost) => trainersOnHost > 0 ? 1 : ShareOf(serversOnHost, 0);

    private static int ShareOf(int ranks, int withOneCore)
    {
        int own = Environment.ProcessorCount;
        bool bound = Environment.GetEnvironmentVariable(BoundByHydra) is not null;
        int host = bound ? (int)sysconf(OnlineProcessors) : own;
        return Asked(own, Environment.GetEnvironmentVariable(CoresOfTask)) ?? Count(own, host, ranks, withOneCore);
    }

    /// <summary>The threads of a rank.</summary>
    /// <param name="own">The cores on which this rank may run: fewer than the host's when the rank is bound.</param>
    /// <param name="host">The cores that the ranks of the host share.</param>
    /// <param name="trainersOnHost">Ranks on this host that train, at least 1.</param>
    /// <param name="serversOnHost">Ranks on this host that only serve.</param>
    internal static int Count(int own, int host, int trainersOnHost, int serversOnHost = 0) =>
        Math.Clamp((host - serversOnHost) / trainersOnHost, 1, own);

    /// <summary>The threads of a rank whose job asked Slurm for cores; null if it did not.</summary>
    /// <param name="own">The cores on which this rank may run; where Slurm binds tasks, those of this rank alone, and not to be shared.</param>
    /// <param name="coresOfTask">The number that the job asked for, null if none.</param>
    internal static int? Asked(int own, string? coresOfTask) =>
        int.TryParse(coresOfTask, NumberStyles.None, CultureInfo.InvariantCulture, out int cores) ? Math.Clamp(cores, 1, own) : null;

    [LibraryImport("libc")]
    private static partial nint sysconf(int name);
}
