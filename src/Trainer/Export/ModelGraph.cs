using OpenEmbedding.Collectives;
using OpenEmbedding.Trainer.Configuration;
using OpenEmbedding.Trainer.Data;
using OpenEmbedding.Trainer.Models;
using OpenEmbedding.Trainer.Training;

namespace OpenEmbedding.Trainer.Export;

/// <summary>The whole way of a trained model: columns of the data, scaling, keys, rows, logits, probability.</summary>
internal static class ModelGraph
{
    /// <summary>The name of what comes out.</summary>
    public const string Output = "probability";

    /// <summary>The name of the keys that <see cref="CreateKeys"/> gives.</summary>
    private const string KeysOutput = "keys";

    /// <summary>Describes the model.</summary>
    /// <param name="data">The columns and how they become keys.</param>
    /// <param name="model">The dense part.</param>
    /// <param name="scale">How dense values are scaled.</param>
    /// <param name="tables">The rows.</param>
    public static ComputationGraph Create(DataOptions data, CtrModel model, DenseScale scale, ExportedTables tables)
    {
        var graph = new ComputationGraph(tables.Type);
        GraphValue[] dense = [.. data.Dense.Select(column => graph.Input(column, ElementType.Float32))];
        GraphValue[] sparse = [.. data.Sparse.Select(column => graph.Input(column.Name, ElementType.Int64, [column.MaxLength]))];
        GraphValue? scaled = dense.Length > 0 ? Scale(graph, scale, dense) : null;
        (GraphValue? linear, GraphValue? embeddings) = tables.Describe(graph, graph.Concatenate(1, sparse), new SparseKeys(data));
        graph.Output(Output, graph.Sigmoid(model.Describe(graph, linear, embeddings, scaled)), ElementType.Float32);
        return graph;
    }

    /// <summary>Describes the way from rows that are given to the probability, for tables that are elsewhere.</summary>
    /// <returns>The graph, and the names of its inputs that take the rows of each table of a section, [n, columns, dimension].</returns>
    public static (ComputationGraph Graph, IReadOnlyList<string> RowInputs) CreateDense(DataOptions data, CtrModel model, DenseScale scale, TableLayout layout)
    {
        var graph = new ComputationGraph(layout.Tables[0].ElementType);
        GraphValue[] dense = [.. data.Dense.Select(column => graph.Input(column, ElementType.Float32))];
        GraphValue? linear = Rows("rows.linear", layout.LinearRole);
        GraphValue? embeddings = Rows("rows.embedding", layout.EmbeddingRole);
        GraphValue? scaled = dense.Length > 0 ? Scale(graph, scale, dense) : null;
        graph.Output(Output, graph.Sigmoid(model.Describe(graph, linear, embeddings, scaled)), ElementType.Float32);
        return (graph, [.. new[] { linear, embeddings }.OfType<GraphValue>().Select(value => value.Name)]);

        GraphValue? Rows(string name, int? role) => role is { } table
            ? graph.Input(name, graph.Type, [layout.Columns, layout.DimensionOf(table)])
            : null;
    }

    /// <summary>Describes the way from the sparse columns to the keys of their rows, [n, columns].</summary>
    public static ComputationGraph CreateKeys(DataOptions data)
    {
        // A column may be dense, too; its second input has the name that it has in the whole model.
        var names = new ComputationGraph(ElementType.Float32);
        data.Dense.ToList().ForEach(column => names.Input(column, ElementType.Float32));
        var graph = new ComputationGraph(ElementType.Float32);
        GraphValue[] sparse = [.. data.Sparse.Select(column => graph.Input(names.Input(column.Name, ElementType.Int64).Name, ElementType.Int64))];
        var rules = new SparseKeys(data);
        GraphValue keys = rules.Describe(graph, rules.Slots.DescribeDefaults(graph, graph.Concatenate(1, sparse)));
        graph.Output(KeysOutput, keys, ElementType.Int64, [sparse.Length]);
        return graph;
    }

    private static GraphValue Scale(ComputationGraph graph, DenseScale scale, GraphValue[] columns)
    {
        GraphValue scaled = scale.Describe(graph, graph.Concatenate(1, columns));
        return graph.Type == ElementType.Float32 ? scaled : graph.Cast(scaled, graph.Type);
    }
}
