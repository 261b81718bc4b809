using OpenEmbedding.Collectives;

namespace OpenEmbedding.EmbeddingPs.Protocol;

/// <summary>Another rank failed or left, and this one cannot go on; that rank reports the cause itself.</summary>
public sealed class PeerFailureException : OpenEmbeddingException
{
    internal PeerFailureException(string message, int peerRank, int exitCode)
        : base(message, exitCode)
    {
        PeerRank = peerRank;
    }

    /// <summary>The rank that failed or left.</summary>
    public int PeerRank { get; }
}
