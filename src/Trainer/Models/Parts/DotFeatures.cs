using OpenEmbedding.Trainer.Export;
using static TorchSharp.torch;

namespace OpenEmbedding.Trainer.Models.Parts;

/// <summary>
/// What DLRM's top layers take: the dense columns as the bottom layers make a vector z of d numbers of them, and the dot products of all pairs of
/// vectors, z and the embeddings.
/// </summary>
/// <remarks>Source: Naumov et al., Deep Learning Recommendation Model, 2019, section 2. Without dense columns there is no z.</remarks>
internal sealed class DotFeatures : FeatureMap
{
    private readonly FeatureShape _shape;
    private readonly HiddenLayers? _bottom;
    private readonly long[] _pairs;
    private readonly Tensor _pairIndex;

    public DotFeatures(FeatureShape shape, IReadOnlyList<int> bottomUnits, bool mixedPrecision, SeededWeights weights)
        : base(nameof(DotFeatures))
    {
        _shape = shape;
        if (shape.DenseColumns > 0)
        {
            _bottom = new HiddenLayers("bottom", shape.DenseColumns, [.. bottomUnits, shape.Dimension], mixedPrecision, weights);
            register_module("bottom", _bottom);
        }

        // Below the diagonal of the [M, M] products, row by row.
        _pairs = [.. Enumerable.Range(0, Vectors).SelectMany(i => Enumerable.Range(0, i).Select(j => ((long)i * Vectors) + j))];
        _pairIndex = this.RegisterIndex("pairs", _pairs, weights);
    }

    public override long Width => (_bottom is null ? 0 : _shape.Dimension) + _pairs.Length;

    private int Vectors => _shape.Columns + (_bottom is null ? 0 : 1);

    public override Tensor Map(Features features)
    {
        if (_bottom is null)
        {
            return Pairs(features.Embeddings);
        }

        Tensor z = _bottom.forward(features.Dense);
        return cat([z, Pairs(cat([z.unsqueeze(1), features.Embeddings], 1))], 1);
    }

    public override GraphValue Describe(ComputationGraph graph, DescribedFeatures features)
    {
        if (_bottom is null)
        {
            return Pairs(features.Embeddings);
        }

        GraphValue z = _bottom.Describe(graph, features.Dense!.Value);
        return graph.Concatenate(1, [z, Pairs(graph.Concatenate(1, [graph.Reshape(z, -1, 1, _shape.Dimension), features.Embeddings]))]);

        GraphValue Pairs(GraphValue vectors)
        {
            GraphValue products = graph.MatrixProduct(vectors, graph.Transpose(vectors, 0, 2, 1));
            GraphValue flat = graph.Transpose(graph.Reshape(products, -1, (long)Vectors * Vectors), 1, 0);
            return graph.Transpose(graph.Rows(flat, graph.Integers("dot.pairs", _pairs)), 1, 0);
        }
    }

    private Tensor Pairs(Tensor vectors) => vectors.bmm(vectors.transpose(1, 2)).flatten(1).index_select(1, _pairIndex);
}
