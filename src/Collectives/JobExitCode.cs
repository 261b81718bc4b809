namespace OpenEmbedding.Collectives;

/// <summary>The exit codes of the programs of this system.</summary>
public static class JobExitCode
{
    /// <summary>All went well.</summary>
    public const int Success = 0;

    /// <summary>A failure inside the program or of the platform below it.</summary>
    public const int Failure = 1;

    /// <summary>The configuration or the command line is wrong.</summary>
    public const int Configuration = 2;

    /// <summary>The training data are missing, empty or malformed.</summary>
    public const int Data = 3;

    /// <summary>The ranks cannot form a job: wrong MPI, too few ranks, different programs or configurations.</summary>
    public const int Cluster = 4;

    /// <summary>Ranks waited for others, which are stuck or lost, longer than the job allows.</summary>
    public const int Stalled = 5;

    /// <summary>Interrupted by Ctrl-C or a termination signal.</summary>
    public const int Interrupted = 130;
}
