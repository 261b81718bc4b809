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
    private readonly TrainingLoss _loss;
    private readonly int _microBatch;
    private readonly TimelineLane _timeline;
    private float[] _scores = [];

    public TrainStep(
        CtrModel model,
        DenseOptimizer dense,
        ProcessSet trainers,
        IEmbeddingStore store,
        BatchTensors tensors,
        TrainingLoss loss,
        int? microBatch,
        TimelineLane timeline)
    {
        _loss = loss;
        _microBatch = microBatch ?? int.MaxValue;
        _timeline = timeline;
        _model = model;
        _dense = dense;
        _trainers = trainers;
        _store = store;
        _tensors = tensors;
    }

    /// <summary>Trains on the plan's batch, which may be empty.</summary>
    /// <param name="plan">The batch.</param>
    /// <param name="step">The number of the step, as the store counts.</param>
    /// <param name="globalRows">Samples of all trainers.</param>
    /// <param name="rateFactor">What multiplies the learning rate of the dense weights.</param>
    /// <param name="metrics">Takes the scores, which are those before the step.</param>
    public void Train(StepPlan plan, long step, long globalRows, double rateFactor, BinaryMetrics metrics)
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
            _dense.Step(rateFactor);
        }
    }

    /// <summary>Scores the plan's batch without learning from it.</summary>
    /// <returns>The logits of its rows, until the next batch.</returns>
    public ReadOnlySpan<float> Evaluate(StepPlan plan, BinaryMetrics metrics)
    {
        using var noGradients = no_grad();
        int part = PartOf(plan);
        for (int first = 0; first < plan.Batch.Rows; first += part)
        {
            using DisposeScope scope = NewDisposeScope();
            _tensors.Load(plan, first, Math.Min(part, plan.Batch.Rows - first));
            Score(_model.forward(_tensors.Linear, _tensors.Embeddings, _tensors.Dense), plan, first, metrics);
        }

        return _scores.AsSpan(0, plan.Batch.Rows);
    }

    public void Dispose() => _tensors.Dispose();

    private void ComputeGradients(StepPlan plan, long globalRows, BinaryMetrics metrics)
    {
        using (_timeline.Begin("wait for rows"))
        {
            plan.WaitForRows();
        }

        int part = PartOf(plan);
        for (int first = 0; first < plan.Batch.Rows; first += part)
        {
            // Those of the last part are added up while the dense ones travel.
            if (first > 0)
            {
                _tensors.ReduceGradients(plan);
            }

            using DisposeScope scope = NewDisposeScope();
            ComputeGradients(plan, first, Math.Min(part, plan.Batch.Rows - first), globalRows, metrics);
        }

        using (_timeline.Begin("collect"))
        {
            _dense.CollectGradients();
        }
    }

    private void ComputeGradients(StepPlan plan, int first, int rows, long globalRows, BinaryMetrics metrics)
    {
        using (_timeline.Begin("load"))
        {
            _tensors.Load(plan, first, rows);
        }

        Tensor logits, loss;
        using (_timeline.Begin("forward"))
        {
            logits = _model.forward(_tensors.Linear, _tensors.Embeddings, _tensors.Dense);
            loss = _loss.Of(logits, _tensors, globalRows);
        }

        using (_timeline.Begin("backward"))
        {
            loss.backward();
        }

        using (_timeline.Begin("score"))
        {
            Score(logits, plan, first, metrics);
        }
    }

    /// <summary>Rows that are computed at once.</summary>
    private int PartOf(StepPlan plan) => Math.Min(_microBatch, plan.Batch.Rows);

    private void Score(Tensor logits, StepPlan plan, int first, BinaryMetrics metrics)
    {
        if (_scores.Length < plan.Batch.Rows)
        {
            _scores = new float[plan.Batch.Rows];
        }

        int rows = (int)logits.shape[0];
        using Tensor scores = logits.detach().to_type(ScalarType.Float32);
        scores.data<float>().CopyTo(_scores, first, 0);
        metrics.Add(_scores.AsSpan(first, rows), plan.Batch.Labels.AsSpan(first, rows));
    }
}
