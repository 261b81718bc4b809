using OpenEmbedding.Trainer.Configuration;
using OpenEmbedding.Trainer.Export;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace OpenEmbedding.Trainer.Models.Parts;

/// <summary>
/// What FiBiNET's DNN takes: of every pair of columns i &lt; j the products (v_i·W) ⊙ v_j of the embeddings, the same of the embeddings weighted by a
/// squeeze-and-excitation network, and the dense columns.
/// </summary>
/// <remarks>
/// The weights of the columns are relu(relu(z·W₁)·W₂) of the mean z of each embedding. Source: Huang et al., FiBiNET, 2019, equations 3 to 9.
/// </remarks>
internal sealed class BilinearFeatures : FeatureMap
{
    private readonly FeatureShape _shape;
    private readonly BilinearKind _bilinear;
    private readonly Parameter _squeeze;
    private readonly Parameter _excite;
    private readonly Parameter _original;
    private readonly Parameter _weighted;
    private readonly long[] _left;
    private readonly long[] _right;
    private readonly Tensor _leftIndex;
    private readonly Tensor _rightIndex;

    public BilinearFeatures(FeatureShape shape, BilinearKind bilinear, int reduction, SeededWeights weights)
        : base(nameof(BilinearFeatures))
    {
        _shape = shape;
        _bilinear = bilinear;
        (long I, long J)[] pairs = [.. Enumerable.Range(0, shape.Columns).SelectMany(i => Enumerable.Range(i + 1, shape.Columns - i - 1).Select(j => ((long)i, (long)j)))];
        _left = [.. pairs.Select(pair => pair.I)];
        _right = [.. pairs.Select(pair => pair.J)];
        _leftIndex = this.RegisterIndex("left", _left, weights);
        _rightIndex = this.RegisterIndex("right", _right, weights);
        int reduced = Math.Max(1, shape.Columns / reduction);
        _squeeze = Register("squeeze", weights.GlorotNormal("bilinear.squeeze", shape.Columns, reduced));
        _excite = Register("excite", weights.GlorotNormal("bilinear.excite", reduced, shape.Columns));
        _original = Register("original", Matrices("bilinear.original"));
        _weighted = Register("weighted", Matrices("bilinear.weighted"));

        Tensor Matrices(string name) => bilinear switch
        {
            BilinearKind.All => weights.GlorotNormal(name, shape.Dimension, shape.Dimension),
            BilinearKind.Each => weights.GlorotNormal(name, shape.Dimension, shape.Dimension, shape.Columns - 1),
            BilinearKind.Interaction => weights.GlorotNormal(name, shape.Dimension, shape.Dimension, pairs.Length),
            _ => throw new ArgumentOutOfRangeException(nameof(bilinear), bilinear, "not a bilinear interaction"),
        };
    }

    public override long Width => (2L * _left.Length * _shape.Dimension) + _shape.DenseColumns;

    public override Tensor Map(Features features)
    {
        Tensor rows = features.Embeddings;
        Tensor excitation = rows.mean([2]).matmul(_squeeze).relu().matmul(_excite).relu();
        return cat([Products(rows, _original), Products(rows * excitation.unsqueeze(2), _weighted), features.Dense], 1);
    }

    public override GraphValue Describe(ComputationGraph graph, DescribedFeatures features)
    {
        GraphValue rows = features.Embeddings;
        GraphValue mean = graph.Multiply(graph.Sum(rows, axis: 2), graph.Number("bilinear.mean", 1.0 / _shape.Dimension));
        GraphValue excitation = graph.Relu(graph.MatrixProduct(mean, graph.Weight("bilinear.squeeze", _squeeze)));
        excitation = graph.Relu(graph.MatrixProduct(excitation, graph.Weight("bilinear.excite", _excite)));
        GraphValue weighted = graph.Multiply(rows, graph.Reshape(excitation, -1, _shape.Columns, 1));
        GraphValue left = graph.Integers("bilinear.left", _left);
        GraphValue right = graph.Integers("bilinear.right", _right);
        GraphValue products = Products(rows, graph.Weight("bilinear.original", _original));
        return features.WithDense(graph.Concatenate(1, [products, Products(weighted, graph.Weight("bilinear.weighted", _weighted))]));

        GraphValue Products(GraphValue embeddings, GraphValue matrices)
        {
            GraphValue columns = graph.Transpose(embeddings, 1, 0, 2);
            GraphValue mixed = _bilinear switch
            {
                BilinearKind.Interaction => graph.MatrixProduct(graph.Rows(columns, left), matrices),
                BilinearKind.Each => graph.Rows(graph.MatrixProduct(graph.Slice(columns, 0, 0, _shape.Columns - 1), matrices), left),
                _ => graph.Rows(graph.MatrixProduct(columns, matrices), left),
            };
            GraphValue pairs = graph.Transpose(graph.Multiply(mixed, graph.Rows(columns, right)), 1, 0, 2);
            return graph.Reshape(pairs, -1, (long)_left.Length * _shape.Dimension);
        }
    }

    /// <summary>[B, F, d] to [B, pairs · d].</summary>
    private Tensor Products(Tensor rows, Parameter matrices)
    {
        Tensor columns = rows.transpose(0, 1);
        Tensor mixed = _bilinear switch
        {
            BilinearKind.Interaction => columns.index_select(0, _leftIndex).bmm(matrices),
            BilinearKind.Each => columns.narrow(0, 0, _shape.Columns - 1).bmm(matrices).index_select(0, _leftIndex),
            _ => columns.matmul(matrices).index_select(0, _leftIndex),
        };
        return (mixed * columns.index_select(0, _rightIndex)).transpose(0, 1).flatten(1);
    }

    private Parameter Register(string name, Tensor values)
    {
        var parameter = new Parameter(values);
        register_parameter(name, parameter);
        return parameter;
    }
}
