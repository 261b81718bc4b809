using System.Globalization;

namespace OpenEmbedding.Collectives;

/// <summary>What the launcher told the process through its environment.</summary>
internal static class Launch
{
    /// <summary>The rank as the launcher gave it, known before MPI starts; 0 when started by itself.</summary>
    internal static int Rank => Read("PMI_RANK") ?? 0;

    /// <summary>The host's name in the launcher's list of hosts, else the machine's.</summary>
    /// <remarks>Several hosts of a list may be one machine with several addresses; the launcher's name tells them apart.</remarks>
    internal static string HostName =>
        Environment.GetEnvironmentVariable("MPIR_CVAR_CH3_INTERFACE_HOSTNAME") is { Length: > 0 } name ? name : Environment.MachineName;

    /// <summary>Whether a launcher that MPICH understands started the process.</summary>
    /// <exception cref="OpenEmbeddingException">One that it does not understand did: every rank would believe to be alone.</exception>
    internal static bool IsUnderMpi()
    {
        if (Read("PMI_SIZE") is not null || Environment.GetEnvironmentVariable("PMIX_RANK") is not null && !IsUnderOpenMpi)
        {
            return true;
        }

        if (IsUnderOpenMpi)
        {
            throw new OpenEmbeddingException(
                "started by Open MPI's mpirun, under which every rank would be alone; MPICH's is needed: use mpirun.mpich or mpiexec.mpich",
                JobExitCode.Cluster);
        }

        return StepTasks is > 1 and var tasks
            ? throw new OpenEmbeddingException(
                $"started by Slurm's srun as one of {tasks} tasks without PMI, under which every rank would be alone: use srun --mpi=pmi2",
                JobExitCode.Cluster)
            : false;
    }

    /// <summary>Compares the job that MPI sees with the one the launcher started.</summary>
    internal static void CheckSize(int size)
    {
        // Under PMIx, which not every MPICH understands, only Slurm tells how many it started.
        if ((Read("PMI_SIZE") ?? StepTasks) is { } expected && expected != size)
        {
            throw new OpenEmbeddingException(
                $"the launcher started {expected} ranks but MPI sees {size}: the launcher and the MPI library do not belong together",
                JobExitCode.Cluster);
        }
    }

    // Set by srun for what it starts, and not in the shell of a batch job.
    private static int? StepTasks => Read("SLURM_STEP_NUM_TASKS");

    private static bool IsUnderOpenMpi => Environment.GetEnvironmentVariable("OMPI_COMM_WORLD_SIZE") is not null;

    private static int? Read(string name) =>
        int.TryParse(Environment.GetEnvironmentVariable(name), CultureInfo.InvariantCulture, out var value) ? value : null;
}
