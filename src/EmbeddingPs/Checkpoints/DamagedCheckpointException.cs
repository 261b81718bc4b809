using OpenEmbedding.Collectives;

namespace OpenEmbedding.EmbeddingPs.Checkpoints;

/// <summary>A file of a checkpoint is missing, cannot be read, or is not what its manifest tells; an older checkpoint may do in its place.</summary>
/// <param name="message">One line with the file.</param>
/// <param name="innerException">The failure below, if there is one.</param>
public sealed class DamagedCheckpointException(string message, Exception? innerException = null)
    : OpenEmbeddingException(message, JobExitCode.Data, innerException);
