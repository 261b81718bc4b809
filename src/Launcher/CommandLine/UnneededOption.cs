namespace OpenEmbedding.Launcher.CommandLine;

/// <summary>An option of horovodrun that has no meaning here: giving it is an error that says why.</summary>
/// <param name="Names">Its names.</param>
/// <param name="Key">Its key in horovodrun's configuration files; null where it has none.</param>
/// <param name="Reason">Why it is not needed, or what to use.</param>
internal sealed record UnneededOption(string[] Names, string? Key, string Reason)
{
    private const string NoCycles = "the timeline shows every operation from its request to its end; there are no cycles to mark";
    private const string MpiChooses = "MPICH chooses the way of a sum by its size and the hosts; sums of 16-bit numbers always go by hosts";
    private const string MpiOnly = "MPI is the only controller";
    private const string NoLevels = "there are no levels: warnings and errors are always printed";
    private const string NoTimestamps = "messages have no time of their own; --prefix-output-with-timestamp puts it before every line";

    public static IReadOnlyList<UnneededOption> All { get; } =
    [
        new(["--cache-capacity"], "params.cache_capacity", "ranks exchange no names of tensors, so there are none to cache"),
        new(["--hierarchical-allreduce", "--no-hierarchical-allreduce"], "params.hierarchical_allreduce", MpiChooses),
        new(["--hierarchical-allgather", "--no-hierarchical-allgather"], "params.hierarchical_allgather", MpiChooses),
        new(["--torus-allreduce", "--no-torus-allreduce"], "params.torus_allreduce", MpiChooses),
        new(["--autotune-gaussian-process-noise"], "autotune.gaussian_process_noise", "settings are compared in turns, and samples of one setting tell the noise"),
        new(["--timeline-mark-cycles", "--no-timeline-mark-cycles"], "timeline.mark_cycles", NoCycles),
        new(["--stall-check"], null, "the check is on unless --no-stall-check turns it off"),
        new(["--mpi-threads-disable", "--no-mpi-threads-disable"], "library_options.mpi_threads_disable", "one thread at a time calls MPI"),
        new(["--num-nccl-streams"], "library_options.num_nccl_streams", "collectives have no streams to choose from"),
        new(["--thread-affinity"], "library_options.thread_affinity", "--bind-to binds a rank with all its threads"),
        new(["--gloo-timeout-seconds"], "library_options.gloo_timeout_seconds", MpiOnly),
        new(["--gloo"], null, MpiOnly),
        new(["--mpi"], "controller", MpiOnly),
        new(["--jsrun"], null, "ranks are started by mpirun, or by Slurm's srun inside an allocation"),
        new(["--disable-cache"], null, "no result of a check is kept"),
        new(["--log-level"], "logging.level", NoLevels),
        new(["--log-with-timestamp", "--log-without-timestamp"], "logging.with_timestamp", NoTimestamps),
        new(["--log-hide-timestamp", "--no-log-hide-timestamp"], "logging.hide_timestamp", NoTimestamps),
    ];
}
