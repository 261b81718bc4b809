namespace OpenEmbedding.EmbeddingPs.Client;

/// <summary>The rows of one table that a trainer gives back to the servers and those that it takes over.</summary>
/// <param name="PutKeys">Keys given back.</param>
/// <param name="PutRows">Their rows with slots, [keys, StoredBytes].</param>
/// <param name="TakeKeys">Keys taken over.</param>
/// <param name="TakenRows">Receives their rows with slots, [keys, StoredBytes].</param>
/// <param name="StoredBytes">Bytes of a row with its slots.</param>
internal readonly record struct RowMove(long[] PutKeys, nint PutRows, long[] TakeKeys, nint TakenRows, int StoredBytes);
