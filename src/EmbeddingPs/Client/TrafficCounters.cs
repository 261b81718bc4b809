namespace OpenEmbedding.EmbeddingPs.Client;

/// <summary>Bytes that one trainer exchanged for embeddings since its store was made.</summary>
/// <param name="PulledBytes">Requests and rows of pulls; of a replica: what came from other ranks.</param>
/// <param name="PushedBytes">Gradients; of a replica: what this rank gave to the collective operations.</param>
public readonly record struct TrafficCounters(long PulledBytes, long PushedBytes);
