using OpenEmbedding.Collectives;
using OpenEmbedding.Trainer.Configuration;
using OpenEmbedding.Trainer.Data;
using OpenEmbedding.Trainer.Models;

namespace OpenEmbedding.Trainer.Export;

/// <summary>The whole way of a trained model: columns of the data, scaling, keys, rows, logits, probability.</summary>
internal static class ModelGraph
{
    /// <summary>The name of what comes out.</summary>
    public const string Output = "probability";

    /// <summary>Describes the model.</summary>
    /// <param name="data">The columns and how they become keys.</param>
    /// <param name="model">The dense part.</param>
    /// <param name="scale">How dense values are scaled.</param>
    /// <param name="tables">The rows.</param>
    public static ComputationGraph Create(DataOptions data, CtrModel model, DenseScale scale, ExportedTables tables)
    {
        var graph = new ComputationGraph(tables.Type);
        GraphValue[] dense = [.. data.Dense.Select(column => graph.Input(column, ElementType.Float32))];
        GraphValue[] sparse = [.. data.Sparse.Select(column => graph.Input(column, ElementType.Int64))];
        GraphValue? scaled = dense.Length > 0 ? Scale(graph, scale, dense) : null;
        GraphValue keys = SparseKeys.Describe(graph, graph.Concatenate(1, sparse), sparse.Length, data.SparseIds, data.Vocabulary);
        (GraphValue? linear, GraphValue? embeddings) = tables.Describe(graph, keys);
        graph.Output(Output, graph.Sigmoid(model.Describe(graph, linear, embeddings, scaled)), ElementType.Float32);
        return graph;
    }

    private static GraphValue Scale(ComputationGraph graph, DenseScale scale, GraphValue[] columns)
    {
        GraphValue scaled = scale.Describe(graph, graph.Concatenate(1, columns));
        return graph.Type == ElementType.Float32 ? scaled : graph.Cast(scaled, graph.Type);
    }
}
