using OpenEmbedding.Collectives;
using OpenEmbedding.EmbeddingPs.Client;
using OpenEmbedding.Trainer.Metrics;
using OpenEmbedding.Trainer.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace OpenEmbedding.Trainer.Training;

/// <summary>
/// One synchronous step: rows in, forward, backward, gradients out. The loss is the sum over the global batch divided by its number of
/// samples, so that every gradient is a plain sum over the trainers and the job equals one process with the global batch.
/// </summary>
internal sealed class TrainStep : IDisposable
{
    private readonly CtrModel _model;
    private readonly DenseOptimizer _dense;
    private readonly ProcessSet _trainers;
    private readonly IEmbeddingStore _store;
    private readonly BatchTensors _tensors;
    private readonly TimelineLane _timeline;
    private float[] _scores = [];

    public TrainStep(
        CtrModel model, DenseOptimizer dense, ProcessSet trainers, IEmbeddingStore store, BatchTensors tensors, TimelineLane timeline)
    {
        _timeline = timeline;
        _model = model;
        _dense = dense;
        _trainers = trainers;
        _store = store;
        _tensors = tensors;
    }

    /// <summary>Trains on the plan's batch, which may be empty, as this trainer's part of <paramref name="globalRows"/> samples.</summary>
    public void Train(StepPlan plan, long step, long globalRows, BinaryMetrics metrics)
    {
        _dense.ZeroGradients();
        if (plan.Batch.Rows > 0)
        {
            ComputeGradients(plan, globalRows, metrics);
        }

        Pending dense = _trainers.AllReduceAsync(
            "dense gradients", _dense.Gradients, _dense.Count, _dense.SentType, ReduceOperation.Sum);
        using (_timeline.Begin("push"))
        {
            if (plan.Batch.Rows > 0)
            {
                _tensors.ReduceGradients(plan);
            }

            plan.Push(_store, step);
        }

        using (_timeline.Begin("wait for dense gradients"))
        {
            dense.Wait();
        }

        using (_timeline.Begin("dense step"))
        {
            _dense.Step();
        }
    }

    /// <summary>Scores the plan's batch without learning from it.</summary>
    /// <returns>The logits of its rows, until the next batch.</returns>
    public ReadOnlySpan<float> Evaluate(StepPlan plan, BinaryMetrics metrics)
    {
        using var noGradients = no_grad();
        using DisposeScope scope = NewDisposeScope();
        _tensors.Load(plan);
        Score(_model.forward(_tensors.Linear, _tensors.Embeddings, _tensors.Dense), plan, metrics);
        return _scores.AsSpan(0, plan.Batch.Rows);
    }

    public void Dispose() => _tensors.Dispose();

    private void ComputeGradients(StepPlan plan, long globalRows, BinaryMetrics metrics)
    {
        using DisposeScope scope = NewDisposeScope();
        using (_timeline.Begin("wait for rows"))
        {
            plan.WaitForRows();
        }

        using (_timeline.Begin("load"))
        {
            _tensors.Load(plan);
        }

        Tensor logits, loss;
        using (_timeline.Begin("forward"))
        {
            logits = _model.forward(_tensors.Linear, _tensors.Embeddings, _tensors.Dense);
            loss = nn.functional.binary_cross_entropy_with_logits(logits, _tensors.Labels, reduction: nn.Reduction.Sum) / globalRows;
        }

        using (_timeline.Begin("backward"))
        {
            loss.backward();
        }

        using (_timeline.Begin("score, collect"))
        {
            Score(logits, plan, metrics);
            _dense.CollectGradients();
        }
    }

    private void Score(Tensor logits, StepPlan plan, BinaryMetrics metrics)
    {
        int rows = plan.Batch.Rows;
        if (_scores.Length < rows)
        {
            _scores = new float[rows];
        }

        using Tensor scores = logits.detach().to_type(ScalarType.Float32);
        scores.data<float>().CopyTo(_scores, 0, 0);
        metrics.Add(_scores.AsSpan(0, rows), plan.Batch.Labels.AsSpan(0, rows));
    }
}
