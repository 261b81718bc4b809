using OpenEmbedding.Trainer.Export;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace OpenEmbedding.Trainer.Models.Parts;

/// <summary>
/// Brings embeddings of fewer weights to the dimension d of the model: of a column with w weights e becomes e · P, P [w, d], one P for each column. Source: Ginart, Naumov, Mudigere,
/// Yang and Zou, Mixed Dimension Embeddings with Application to Memory-Efficient Recommendation Systems, 2019.
/// </summary>
internal sealed class ColumnProjection : nn.Module<Tensor, Tensor>
{
    // Columns of equal width are projected together; those of the model's width come first, as they are.
    private readonly long[] _whole;
    private readonly Group[] _groups;
    private readonly long[] _order;
    private readonly Tensor _wholeIndex;
    private readonly Tensor _orderIndex;

    private ColumnProjection(FeatureShape shape, IReadOnlyList<int> dimensions, SeededWeights weights)
        : base("projection")
    {
        _whole = ColumnsOf(shape.Dimension);
        _wholeIndex = this.RegisterIndex("whole", _whole, weights);
        _groups = [.. dimensions.Distinct().Where(width => width < shape.Dimension).Order().Select(NewGroup)];
        long[] joined = [.. _whole, .. _groups.SelectMany(group => group.Columns)];
        _order = [.. Enumerable.Range(0, shape.Columns).Select(column => (long)Array.IndexOf(joined, column))];
        _orderIndex = this.RegisterIndex("order", _order, weights);

        long[] ColumnsOf(int width) => [.. Enumerable.Range(0, shape.Columns).Where(column => dimensions[column] == width).Select(column => (long)column)];

        Group NewGroup(int width)
        {
            long[] columns = ColumnsOf(width);
            var matrices = new Parameter(weights.GlorotNormal($"projection.{width}", width, shape.Dimension, columns.Length));
            register_parameter($"{width}", matrices);
            return new Group(width, columns, this.RegisterIndex($"columns.{width}", columns, weights), matrices);
        }
    }

    /// <summary>Makes it under its name; null where all columns have the model's dimension.</summary>
    public static (string Name, ColumnProjection Projection)? Of(FeatureShape shape, IReadOnlyList<int> dimensions, SeededWeights weights) =>
        dimensions.All(width => width == shape.Dimension) ? null : ("projection", new ColumnProjection(shape, dimensions, weights));

    /// <summary>[B, F, d], of narrow columns the first w weights, to [B, F, d].</summary>
    public override Tensor forward(Tensor embeddings)
    {
        Tensor columns = embeddings.transpose(0, 1);
        Tensor[] projected =
        [
            columns.index_select(0, _wholeIndex),
            .. _groups.Select(group => columns.index_select(0, group.Index).narrow(2, 0, group.Width).bmm(group.Matrices)),
        ];
        return cat(projected, 0).index_select(0, _orderIndex).transpose(0, 1);
    }

    /// <summary>Says what <see cref="forward"/> computes.</summary>
    public GraphValue Describe(ComputationGraph graph, GraphValue embeddings)
    {
        GraphValue columns = graph.Transpose(embeddings, 1, 0, 2);
        GraphValue[] whole = _whole.Length == 0 ? [] : [graph.Rows(columns, graph.Integers("projection.whole", _whole))];
        GraphValue projected = graph.Concatenate(0, [.. whole, .. _groups.Select(Project)]);
        return graph.Transpose(graph.Rows(projected, graph.Integers("projection.order", _order)), 1, 0, 2);

        GraphValue Project(Group group)
        {
            GraphValue narrow = graph.Slice(graph.Rows(columns, graph.Integers("projection.columns", group.Columns)), 2, 0, group.Width);
            return graph.MatrixProduct(narrow, graph.Weight($"projection.{group.Width}", group.Matrices));
        }
    }

    /// <summary>Columns whose embeddings have equally many weights.</summary>
    /// <param name="Width">w.</param>
    /// <param name="Columns">Their places, [G].</param>
    /// <param name="Index">The same as a tensor.</param>
    /// <param name="Matrices">[G, w, d].</param>
    private sealed record Group(int Width, long[] Columns, Tensor Index, Parameter Matrices);
}
