namespace OpenEmbedding.EmbeddingPs.Client;

/// <summary>Keys, and the tables to pull their rows from; the keys travel once however many tables share them.</summary>
/// <param name="Keys">A plan for the store's number of shards and for the kind of the tables.</param>
/// <param name="Tables">Tables by index of creation, at least one, each at most once.</param>
public readonly record struct PullSection(KeyBatch Keys, int[] Tables);
