using OpenEmbedding.Trainer.Export;
using static TorchSharp.torch;

namespace OpenEmbedding.Trainer.Models.Parts;

/// <summary>What the parts of a model take of a batch of B samples.</summary>
/// <param name="embeddings">Of the F sparse columns, [B, F, d].</param>
/// <param name="dense">The n dense columns, [B, n].</param>
internal sealed class Features(Tensor embeddings, Tensor dense)
{
    private Tensor? _flat;

    /// <summary>[B, F, d].</summary>
    public Tensor Embeddings => embeddings;

    /// <summary>[B, n].</summary>
    public Tensor Dense => dense;

    /// <summary>The embeddings column by column, then the dense columns: [B, F · d + n].</summary>
    public Tensor Flat => _flat ??= cat([embeddings.flatten(1), dense], 1);
}

/// <summary>The same in an exported model.</summary>
/// <param name="graph">Takes the operations.</param>
/// <param name="shape">How many of everything.</param>
/// <param name="embeddings">[B, F, d].</param>
/// <param name="dense">[B, n]; null without dense columns.</param>
internal sealed class DescribedFeatures(ComputationGraph graph, FeatureShape shape, GraphValue embeddings, GraphValue? dense)
{
    private GraphValue? _flat;

    /// <summary>[B, F, d].</summary>
    public GraphValue Embeddings => embeddings;

    /// <summary>[B, n]; null without dense columns.</summary>
    public GraphValue? Dense => dense;

    /// <summary>[B, F · d + n].</summary>
    public GraphValue Flat => _flat ??= WithDense(graph.Reshape(embeddings, -1, (long)shape.Columns * shape.Dimension));

    /// <summary>A matrix [B, w] with the dense columns behind it.</summary>
    public GraphValue WithDense(GraphValue matrix) => dense is { } values ? graph.Concatenate(1, [matrix, values]) : matrix;
}

/// <summary>The numbers of a model's inputs.</summary>
/// <param name="Columns">F, the sparse columns.</param>
/// <param name="Dimension">d, the weights of an embedding.</param>
/// <param name="DenseColumns">n, the dense columns.</param>
internal readonly record struct FeatureShape(int Columns, int Dimension, int DenseColumns)
{
    /// <summary>The width of <see cref="Features.Flat"/>.</summary>
    public long FlatWidth => ((long)Columns * Dimension) + DenseColumns;
}
