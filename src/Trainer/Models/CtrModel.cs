using OpenEmbedding.Collectives;
using OpenEmbedding.Trainer.Configuration;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace OpenEmbedding.Trainer.Models;

/// <summary>
/// A click-through-rate model without its tables: linear part, and by name a DNN, a factorization machine or a compressed interaction network.
/// </summary>
/// <remarks>
/// Source: DeepCTR's LR, WDL, DeepFM and xDeepFM. B samples, F sparse columns of dimension d, n dense columns; the logits of the parts and a
/// global bias are added.
/// </remarks>
public sealed partial class CtrModel : nn.Module<Tensor, Tensor, Tensor, Tensor>
{
    private const string LinearDense = "linear.dense";
    private const double DefaultL2 = 1e-5;
    private readonly ModelOptions _options;
    private readonly int _sparseColumns;
    private readonly int _dimension;
    private readonly Parameter? _linearDense;
    private readonly Parameter _bias;
    private readonly Dnn? _dnn;
    private readonly CompressedInteraction? _cin;

    private CtrModel(ModelOptions options, int sparseColumns, int dimension, int denseColumns)
        : base(options.Name.ToString())
    {
        _options = options;
        _sparseColumns = sparseColumns;
        _dimension = dimension;
        ScalarType type = options.Dtype == ElementType.Float64 ? ScalarType.Float64 : ScalarType.Float32;
        var weights = new SeededWeights(options.Seed, type);
        if (denseColumns > 0)
        {
            _linearDense = new Parameter(weights.GlorotNormal(LinearDense, denseColumns, 1));
            register_parameter(LinearDense, _linearDense);
        }

        if (options.Name != ModelName.LR)
        {
            _dnn = new Dnn(((long)sparseColumns * dimension) + denseColumns, options.DnnHiddenUnits, weights);
            register_module("dnn", _dnn);
        }

        if (options.Name == ModelName.XDeepFM)
        {
            _cin = new CompressedInteraction(sparseColumns, options.CinLayerSize, options.CinSplitHalf, weights);
            register_module("cin", _cin);
        }

        _bias = new Parameter(weights.Zeros(1));
        register_parameter("bias", _bias);
    }

    /// <summary>Makes a model; the same options give the same weights on every rank.</summary>
    /// <param name="options">The model section.</param>
    /// <param name="sparseColumns">F, at least 1.</param>
    /// <param name="dimension">d, at least 1; without meaning for LR.</param>
    /// <param name="denseColumns">n, 0 or more.</param>
    public static CtrModel Create(ModelOptions options, int sparseColumns, int dimension, int denseColumns) =>
        new(options, sparseColumns, dimension, denseColumns);

    /// <summary>L2 regularization of the linear weights.</summary>
    public static double LinearL2(ModelOptions options) => options.L2Linear ?? (options.Name == ModelName.LR ? 0 : DefaultL2);

    /// <summary>L2 regularization of the embeddings.</summary>
    public static double EmbeddingL2(ModelOptions options) => options.L2Embedding ?? (options.Name == ModelName.LR ? 0 : DefaultL2);

    /// <summary>The dense parameters with their names and L2 strengths, in a fixed order.</summary>
    public IEnumerable<DenseParameter> DenseParameters() => named_parameters().Select(
        named => new DenseParameter(named.name, named.parameter, named.name == LinearDense ? LinearL2(_options) : 0));

    /// <summary>Computes the logits [B].</summary>
    /// <param name="linear">Linear weights of the sparse columns, [B, F].</param>
    /// <param name="embeddings">Embeddings of the sparse columns, [B, F, d]; not used by LR.</param>
    /// <param name="dense">Dense columns, [B, n].</param>
    public override Tensor forward(Tensor linear, Tensor embeddings, Tensor dense)
    {
        Tensor logits = linear.sum(1) + _bias;
        if (_linearDense is not null)
        {
            logits += dense.matmul(_linearDense).squeeze(-1);
        }

        if (_dnn is not null)
        {
            logits += _dnn.forward(cat([embeddings.flatten(1), dense], 1)).squeeze(-1);
        }

        if (_options.Name == ModelName.DeepFM)
        {
            logits += FactorizationMachine(embeddings);
        }

        if (_cin is not null)
        {
            logits += _cin.forward(embeddings).squeeze(-1);
        }

        return logits;
    }

    /// <summary>All pairwise products of the columns: ½ Σ_d [(Σ_f v_f)² − Σ_f v_f²], [B].</summary>
    internal static Tensor FactorizationMachine(Tensor embeddings) =>
        (embeddings.sum(1).square() - embeddings.square().sum(1)).sum(1) * 0.5;

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _linearDense?.Dispose();
            _bias.Dispose();
            _dnn?.Dispose();
            _cin?.Dispose();
        }

        base.Dispose(disposing);
    }
}

/// <summary>A parameter that every trainer holds.</summary>
/// <param name="Name">Its name in the model.</param>
/// <param name="Parameter">Its weights.</param>
/// <param name="L2">L2 regularization: adds 2 · L2 · w to the summed gradient.</param>
public sealed record DenseParameter(string Name, Parameter Parameter, double L2);
