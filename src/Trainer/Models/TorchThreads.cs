using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace OpenEmbedding.Trainer.Models;

/// <summary>Shares the cores of a host among its ranks.</summary>
public static partial class TorchThreads
{
    // Hydra sets it in ranks that it has bound to cores.
    private const string BoundByHydra = "HYDRA_USER_PROVIDED_BINDING";

    private const int OnlineProcessors = 84;

    /// <summary>Gives torch this rank's share of the cores, at least one thread.</summary>
    /// <param name="ranksOnHost">Ranks of the job on this host, at least 1.</param>
    public static void Share(int ranksOnHost)
    {
        bool bound = Environment.GetEnvironmentVariable(BoundByHydra) is not null;
        set_num_threads(Count(Environment.ProcessorCount, bound ? (int)sysconf(OnlineProcessors) : Environment.ProcessorCount, ranksOnHost));
    }

    /// <summary>The threads of a rank.</summary>
    /// <param name="own">The cores on which this rank may run: fewer than the host's when the rank is bound.</param>
    /// <param name="host">The cores that the ranks of the host share.</param>
    /// <param name="ranksOnHost">Ranks of the job on this host, at least 1.</param>
    internal static int Count(int own, int host, int ranksOnHost) => Math.Clamp(host / ranksOnHost, 1, own);

    [LibraryImport("libc")]
    private static partial nint sysconf(int name);
}
