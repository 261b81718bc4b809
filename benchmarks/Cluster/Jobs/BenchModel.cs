using System.Globalization;
using OpenEmbedding.Trainer.Configuration;

namespace OpenEmbedding.Benchmarks.Cluster.Jobs;

/// <summary>
/// The settings of OpenEmbedding's own benchmark: no regularization, embeddings that start at zero, Adagrad with its defaults, a linear and an
/// embedding table for each of the 26 sparse columns.
/// </summary>
internal static class BenchModel
{
    /// <summary>Sparse columns of the data.</summary>
    public const int SparseColumns = 26;

    /// <summary>Dense columns of the data.</summary>
    public const int DenseColumns = 13;

    /// <summary>The model section of a job.</summary>
    public static ModelOptions Options(ModelName model) => new()
    {
        Name = model,
        DnnHiddenUnits = model == ModelName.WDL ? [512, 256, 128, 32] : [400, 400, 400],
        CinLayerSize = [128, 128],
        L2Linear = 0,
        L2Embedding = 0,
    };

    /// <summary>The same as options of <c>oe-train</c>.</summary>
    public static IReadOnlyList<string> Arguments(Workload workload)
    {
        ModelOptions options = Options(workload.Model);
        return
        [
            "--model.name", Workload.NameOf(options.Name),
            "--model.dnn_hidden_units", string.Join(',', options.DnnHiddenUnits),
            "--model.cin_layer_size", string.Join(',', options.CinLayerSize),
            "--model.l2_linear", "0",
            "--model.l2_embedding", "0",
            "--embedding.dimension", workload.Dimension.ToString(CultureInfo.InvariantCulture),
            "--embedding.initializer.name", "zeros",
            "--optimizer.name", "Adagrad",
        ];
    }
}
