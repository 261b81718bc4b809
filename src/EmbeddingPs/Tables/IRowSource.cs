namespace OpenEmbedding.EmbeddingPs.Tables;

/// <summary>Rows of a capture that stay as they are, for one thread to read, whichever it is.</summary>
internal interface IRowSource
{
    /// <summary>Gives some of the rows.</summary>
    /// <returns>Whether there were any left.</returns>
    /// <exception cref="Collectives.OpenEmbeddingException">They cannot be read, or are damaged.</exception>
    bool Give(IRowSink sink);
}
