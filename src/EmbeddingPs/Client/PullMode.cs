namespace OpenEmbedding.EmbeddingPs.Client;

/// <summary>What a pull is for.</summary>
public enum PullMode
{
    /// <summary>To be trained: keys never seen get a row, and gradients may be pushed for the ticket.</summary>
    Train,

    /// <summary>To be read: a key never seen reads as its initial value, and nothing is stored.</summary>
    Evaluate,
}
