using OpenEmbedding.Benchmarks.Cluster.Network;
using OpenEmbedding.Trainer.Configuration;

namespace OpenEmbedding.Benchmarks.Cluster.Jobs;

/// <summary>PyTorch as a contender: the script beside this program, run by Debian's Python.</summary>
internal static class PyTorchPeer
{
    /// <summary>Debian's own interpreter: another one on PATH would not see its packages.</summary>
    public const string Python = "/usr/bin/python3";

    /// <summary>The script.</summary>
    public static string Script { get; } = Path.Combine(AppContext.BaseDirectory, "peers", "pytorch_gloo.py");

    /// <summary>Whether the script has this model.</summary>
    public static bool Knows(ModelName model) => model == ModelName.DeepFM;

    /// <summary>Says in one line what to install; null when all is there.</summary>
    public static string? Missing() =>
        Command.Try(Python, "-c", "import torch, numpy, torch.distributed as d; assert d.is_gloo_available()") is null
            ? null
            : "--peer pytorch needs Debian's torch: apt-get install python3-torch python3-numpy libopenblas0-pthread "
                + "(mpirun may then be Open MPI's; this program calls mpirun.mpich)";
}
