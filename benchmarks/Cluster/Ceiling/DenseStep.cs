using OpenEmbedding.Benchmarks.Cluster.Jobs;
using OpenEmbedding.EmbeddingPs.Optimizers;
using OpenEmbedding.Trainer.Models;
using static TorchSharp.torch;

namespace OpenEmbedding.Benchmarks.Cluster.Ceiling;

/// <summary>
/// The dense part of a training step on embeddings that are there already: forward, loss, backward to embeddings and parameters, update of the
/// parameters. It is the trainer's own model and optimizer with nothing around them.
/// </summary>
internal sealed class DenseStep : IDisposable
{
    private readonly CtrModel _model;
    private readonly DenseOptimizer _optimizer;
    private readonly Tensor _linear;
    private readonly Tensor _embeddings;
    private readonly Tensor _dense;
    private readonly Tensor _labels;

    /// <summary>Makes the model and one batch of random numbers.</summary>
    public DenseStep(CeilingArguments arguments)
    {
        int rows = arguments.BatchSize;
        int dimension = arguments.Workload.Dimension;
        _model = CtrModel.Create(BenchModel.Options(arguments.Workload.Model), BenchModel.SparseColumns, dimension, BenchModel.DenseColumns);
        _optimizer = new DenseOptimizer(_model.DenseParameters(), new AdagradOptions());
        _linear = randn(rows, BenchModel.SparseColumns).mul_(0.01).requires_grad_(true);
        _embeddings = randn(rows, BenchModel.SparseColumns, dimension).mul_(0.01).requires_grad_(true);
        _dense = rand(rows, BenchModel.DenseColumns);
        _labels = rand(rows).less(0.25).to_type(ScalarType.Float32);
    }

    /// <summary>Does one step.</summary>
    public void Run()
    {
        _optimizer.ZeroGradients();
        using (NewDisposeScope())
        {
            _linear.grad = null;
            _embeddings.grad = null;
            Tensor logits = _model.forward(_linear, _embeddings, _dense);
            Tensor loss = nn.functional.binary_cross_entropy_with_logits(logits, _labels, reduction: nn.Reduction.Sum) / _labels.shape[0];
            loss.backward();
            _optimizer.CollectGradients();
        }

        _optimizer.Step();
    }

    public void Dispose()
    {
        _optimizer.Dispose();
        _model.Dispose();
        _linear.Dispose();
        _embeddings.Dispose();
        _dense.Dispose();
        _labels.Dispose();
    }
}
