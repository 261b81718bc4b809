namespace OpenEmbedding.EmbeddingPs.Tables;

/// <summary>Takes the rows of a capture.</summary>
internal interface IRowSink
{
    /// <summary>Copies rows, each of which comes once.</summary>
    /// <param name="keys">Their keys.</param>
    /// <param name="rows">Where each is; it may change afterwards.</param>
    void Take(ReadOnlySpan<long> keys, ReadOnlySpan<nint> rows);
}
