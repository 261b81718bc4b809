namespace OpenEmbedding.Launcher;

/// <summary>How a job ended.</summary>
/// <param name="ExitCode">
/// What mpirun returned: the exit code of the ranks, or the number of the signal that killed one. A job that a signal ended which this process
/// received has <see cref="Collectives.JobExitCode.Interrupted"/>, unless its ranks chose an exit code of their own.
/// </param>
/// <param name="Cause">What is known of the cause, in one line; null when the ranks ended by themselves.</param>
internal sealed record JobOutcome(int ExitCode, string? Cause = null)
{
    /// <summary>The host of a rank that a signal killed, as hydra calls it; null if none did.</summary>
    public string? Host { get; init; }

    /// <summary>Whether this process was told to end.</summary>
    public bool IsInterrupted { get; init; }
}
