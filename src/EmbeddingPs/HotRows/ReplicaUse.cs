namespace OpenEmbedding.EmbeddingPs.HotRows;

/// <summary>What was asked of the replicated rows of one table.</summary>
internal struct ReplicaUse
{
    public long Pulls;
    public long KeysPulled;
    public long Pushes;
    public long KeysPushed;
}
