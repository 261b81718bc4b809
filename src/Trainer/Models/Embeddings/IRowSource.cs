using static TorchSharp.torch;

namespace OpenEmbedding.Trainer.Models.Embeddings;

/// <summary>Where an embedding layer takes its rows from.</summary>
public interface IRowSource
{
    /// <summary>Gives the rows that one forward pass of a layer needs.</summary>
    /// <param name="layer">The layer in its forward pass.</param>
    /// <param name="ids">The ids of the pass in their order, duplicates included; not checked against the vocabulary.</param>
    /// <param name="positions">Receives for every id its row in the result.</param>
    /// <param name="learns">
    /// True when gradients are recorded: the rows are kept as the next entry of <see cref="EmbeddingLayer.Passes"/> then. Else they are only read.
    /// </param>
    /// <returns>
    /// The rows, [n, dimension] of the layer's element type on the CPU; the layer disposes them. An exception ends the process like any that
    /// nobody catches, because native code calls.
    /// </returns>
    Tensor Pull(EmbeddingLayer layer, ReadOnlySpan<long> ids, Span<long> positions, bool learns);
}
