using OpenEmbedding.Collectives;

namespace OpenEmbedding.EmbeddingPs.Protocol;

/// <summary>Another rank failed or left, and this one cannot go on; that rank reports the cause itself.</summary>
public sealed class PeerFailureException : OpenEmbeddingException
{
    /// <summary>Makes the error of the rank that cannot go on.</summary>
    /// <param name="message">The line of the rank that failed.</param>
    /// <param name="peerRank">That rank.</param>
    /// <param name="exitCode">The exit code of the job, one of <see cref="JobExitCode"/>.</param>
    public PeerFailureException(string message, int peerRank, int exitCode)
        : base(message, exitCode)
    {
        PeerRank = peerRank;
    }

    /// <summary>The rank that failed or left.</summary>
    public int PeerRank { get; }
}
