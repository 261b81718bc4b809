namespace OpenEmbedding.EmbeddingPs.Checkpoints;

/// <summary>A checkpoint that has every table of a job; <see cref="CheckpointSource.Check"/> gives it.</summary>
public sealed class CheckedCheckpoint
{
    internal CheckedCheckpoint(CheckpointSource source, IReadOnlyList<string> notes)
    {
        Source = source;
        Notes = notes;
    }

    /// <summary>The checkpoint.</summary>
    public CheckpointSource Source { get; }

    /// <summary>What the job takes otherwise than it was saved, one line each.</summary>
    public IReadOnlyList<string> Notes { get; }
}
