namespace OpenEmbedding.Collectives;

/// <summary>
/// The root of every error this system reports by itself. Its message is one line: what was wrong, what is allowed, what came.
/// </summary>
/// <remarks>The process that lets it pass ends with <see cref="ExitCode"/>, and the whole job with it.</remarks>
public class OpenEmbeddingException : Exception
{
    /// <summary>Makes an error of one line.</summary>
    /// <param name="message">What was wrong, what is allowed, what came; where known, the table and the step.</param>
    /// <param name="exitCode">The exit code of the job, one of <see cref="JobExitCode"/>.</param>
    /// <param name="innerException">The failure below, if there is one.</param>
    public OpenEmbeddingException(string message, int exitCode = JobExitCode.Failure, Exception? innerException = null)
        : base(message, innerException)
    {
        ExitCode = exitCode;
    }

    /// <summary>The exit code with which the job ends, one of <see cref="JobExitCode"/>.</summary>
    public int ExitCode { get; }
}
