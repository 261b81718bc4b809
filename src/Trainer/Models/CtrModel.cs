using OpenEmbedding.Collectives;
using OpenEmbedding.Trainer.Configuration;
using OpenEmbedding.Trainer.Export;
using OpenEmbedding.Trainer.Models.Parts;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace OpenEmbedding.Trainer.Models;

/// <summary>A click-through-rate model without its tables. The logits of its parts, which its name chooses, and a global bias are added.</summary>
/// <remarks>
/// B samples, F sparse columns of dimension d, n dense columns. Source: DeepCTR's LR, WDL, DeepFM and xDeepFM, and for the others the papers that
/// their parts name, beside a linear part and a DNN as DeepCTR has them.
/// </remarks>
public sealed class CtrModel : nn.Module<Tensor?, Tensor?, Tensor, Tensor>
{
    private const string LinearDense = "linear.dense";
    private const double DefaultL2 = 1e-5;
    private readonly ModelOptions _options;
    private readonly FeatureShape _shape;
    private readonly Parameter? _linearDense;
    private readonly Parameter _bias;
    private readonly ColumnProjection? _projection;
    private readonly FeatureMap? _map;
    private readonly Dnn? _dnn;
    private readonly Interaction? _interaction;

    private CtrModel(ModelOptions options, FeatureShape shape, IReadOnlyList<int> dimensions, Device device)
        : base(options.Name.ToString())
    {
        _options = options;
        _shape = shape;
        ScalarType type = options.Dtype == ElementType.Float64 ? ScalarType.Float64 : ScalarType.Float32;
        var weights = new SeededWeights(options.Seed, type, device);
        if (HasLinear(options) && shape.DenseColumns > 0)
        {
            _linearDense = new Parameter(weights.GlorotNormal(LinearDense, shape.DenseColumns, 1));
            register_parameter(LinearDense, _linearDense);
        }

        if (HasEmbeddings(options))
        {
            _projection = Register(ColumnProjection.Of(shape, dimensions, weights));
            _map = Register(FeatureMapOf(options, shape, weights));
            _dnn = new Dnn(_map?.Width ?? shape.FlatWidth, options.DnnHiddenUnits, options.MixedPrecision, weights);
            register_module("dnn", _dnn);
            _interaction = Register(InteractionOf(options, shape, weights));
        }

        _bias = new Parameter(weights.Zeros(1));
        register_parameter("bias", _bias);
    }

    /// <summary>Makes a model; the same options give the same weights on every rank.</summary>
    /// <param name="options">The model section.</param>
    /// <param name="sparseColumns">F, at least 1.</param>
    /// <param name="dimension">d, at least 1; without meaning for LR.</param>
    /// <param name="denseColumns">n, 0 or more.</param>
    /// <param name="dimensions">The weights of each column's own embeddings, 1 to d, [F]; they come with zeros behind them. By default all have d.</param>
    /// <param name="device">Where its weights lie; by default the processor's memory.</param>
    public static CtrModel Create(
        ModelOptions options, int sparseColumns, int dimension, int denseColumns, IReadOnlyList<int>? dimensions = null, Device? device = null) =>
        new(options, new FeatureShape(sparseColumns, dimension, denseColumns), dimensions ?? [], device ?? CPU);

    /// <summary>Whether the model has a linear part, and so a linear weight for every key.</summary>
    public static bool HasLinear(ModelOptions options) => options.Name != ModelName.Dlrm;

    /// <summary>Whether the model has an embedding for every key.</summary>
    public static bool HasEmbeddings(ModelOptions options) => options.Name != ModelName.LR;

    /// <summary>L2 regularization of the linear weights.</summary>
    public static double LinearL2(ModelOptions options) => options.L2Linear ?? (options.Name == ModelName.LR ? 0 : DefaultL2);

    /// <summary>L2 regularization of the embeddings.</summary>
    public static double EmbeddingL2(ModelOptions options) => options.L2Embedding ?? (options.Name == ModelName.LR ? 0 : DefaultL2);

    /// <summary>The dense parameters with their names and L2 strengths, in a fixed order.</summary>
    public IEnumerable<DenseParameter> DenseParameters() => named_parameters().Select(
        named => new DenseParameter(named.name, named.parameter, named.name == LinearDense ? LinearL2(_options) : 0));

    /// <summary>Computes the logits [B].</summary>
    /// <param name="linear">Linear weights of the sparse columns, [B, F]; not used where <see cref="HasLinear"/> says that there are none.</param>
    /// <param name="embeddings">Embeddings of the sparse columns, [B, F, d]; not used where <see cref="HasEmbeddings"/> says that there are none.</param>
    /// <param name="dense">Dense columns, [B, n].</param>
    public override Tensor forward(Tensor? linear, Tensor? embeddings, Tensor dense)
    {
        Tensor logits = HasLinear(_options) ? linear!.sum(1) + _bias : _bias;
        if (_linearDense is not null)
        {
            logits += dense.matmul(_linearDense).squeeze(-1);
        }

        if (_dnn is not null)
        {
            var features = new Features(_projection?.forward(embeddings!) ?? embeddings!, dense);
            logits += _dnn.forward(_map?.Map(features) ?? features.Flat).squeeze(-1);
            if (_interaction is not null)
            {
                logits += _interaction.Logits(features).squeeze(-1);
            }
        }

        return logits;
    }

    /// <summary>Says what <see cref="forward"/> computes.</summary>
    /// <param name="graph">Takes the operations.</param>
    /// <param name="linear">[n, F, 1]; null where <see cref="HasLinear"/> says that there are none.</param>
    /// <param name="embeddings">[n, F, d]; null where <see cref="HasEmbeddings"/> says that there are none.</param>
    /// <param name="dense">[n, D]; null without dense columns.</param>
    /// <returns>The logits, [n, 1].</returns>
    internal GraphValue Describe(ComputationGraph graph, GraphValue? linear, GraphValue? embeddings, GraphValue? dense)
    {
        GraphValue logits = graph.Weight("bias", _bias);
        if (linear is { } weights)
        {
            logits = graph.Add(graph.Sum(weights, axis: 1), logits);
        }

        if (_linearDense is not null)
        {
            logits = graph.Add(logits, graph.MatrixProduct(dense!.Value, graph.Weight(LinearDense, _linearDense)));
        }

        if (_dnn is null)
        {
            return logits;
        }

        GraphValue projected = _projection?.Describe(graph, embeddings!.Value) ?? embeddings!.Value;
        var features = new DescribedFeatures(graph, _shape, projected, dense);
        logits = graph.Add(logits, _dnn.Describe(graph, _map?.Describe(graph, features) ?? features.Flat));
        return _interaction is null ? logits : graph.Add(logits, _interaction.Describe(graph, features));
    }

    private static (string Name, FeatureMap Map)? FeatureMapOf(ModelOptions options, FeatureShape shape, SeededWeights weights) => options.Name switch
    {
        ModelName.FiBiNet => ("bilinear", new BilinearFeatures(shape, options.Bilinear, options.SenetReduction, weights)),
        ModelName.Dlrm => ("dot", new DotFeatures(shape, options.BottomHiddenUnits, options.MixedPrecision, weights)),
        _ => null,
    };

    private static (string Name, Interaction Interaction)? InteractionOf(ModelOptions options, FeatureShape shape, SeededWeights weights) => options.Name switch
    {
        ModelName.DeepFM => ("fm", new FactorizationMachine()),
        ModelName.XDeepFM => ("cin", new CompressedInteraction(shape, options.CinLayerSize, options.CinSplitHalf, weights)),
        ModelName.DcnV2 => ("cross", new CrossNetwork(shape.FlatWidth, options.CrossLayers, options.CrossRank, weights)),
        ModelName.AutoInt => ("attention", new AttentionNetwork(shape, options.AttentionLayers, options.AttentionHeads, options.AttentionSize, weights)),
        _ => null,
    };

    private T? Register<T>((string Name, T Module)? part)
        where T : nn.Module
    {
        if (part is not { } named)
        {
            return null;
        }

        register_module(named.Name, named.Module);
        return named.Module;
    }
}

/// <summary>A parameter that every trainer holds.</summary>
/// <param name="Name">Its name in the model.</param>
/// <param name="Parameter">Its weights.</param>
/// <param name="L2">L2 regularization: adds 2 · L2 · w to the summed gradient.</param>
public sealed record DenseParameter(string Name, Parameter Parameter, double L2);
