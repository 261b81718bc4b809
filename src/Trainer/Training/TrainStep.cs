using OpenEmbedding.Collectives;
using OpenEmbedding.EmbeddingPs.Client;
using OpenEmbedding.Trainer.Metrics;
using TorchSharp;
using static TorchSharp.torch;

namespace OpenEmbedding.Trainer.Training;

/// <summary>
/// One synchronous step: rows in, forward, backward, gradients out. The loss is the sum over the global batch divided by its number of
/// samples, so that every gradient is a plain sum over the trainers and the job equals one process with the global batch.
/// </summary>
internal sealed class TrainStep : IDisposable
{
    private readonly IDensePart _dense;
    private readonly IEmbeddingStore _store;
    private readonly TrainingLoss _loss;
    private readonly int _microBatch;
    private readonly TimelineLane _timeline;
    private float[] _scores = [];

    public TrainStep(IDensePart dense, IEmbeddingStore store, TrainingLoss loss, int? microBatch, TimelineLane timeline)
    {
        _dense = dense;
        _store = store;
        _loss = loss;
        _microBatch = microBatch ?? int.MaxValue;
        _timeline = timeline;
    }

    /// <summary>Trains on the plan's batch, which may be empty.</summary>
    /// <param name="plan">The batch.</param>
    /// <param name="step">The number of the step, as the store counts.</param>
    /// <param name="globalRows">Samples of all trainers.</param>
    /// <param name="rateFactor">What multiplies the learning rate of the dense weights.</param>
    /// <param name="metrics">Takes the scores, which are those before the step.</param>
    public void Train(StepPlan plan, long step, long globalRows, double rateFactor, BinaryMetrics metrics)
    {
        _dense.BeginStep();
        if (plan.Batch.Rows > 0)
        {
            ComputeGradients(plan, globalRows);
        }

        Pending sum = _dense.BeginSum();
        using (_timeline.Begin("push"))
        {
            if (plan.Batch.Rows > 0)
            {
                _dense.TakeRowGradients(plan);
            }

            plan.Push(_store, step);
        }

        if (plan.Batch.Rows > 0)
        {
            // Behind the push, which the servers wait for.
            using (_timeline.Begin("score"))
            {
                metrics.Add(_dense.Scores, plan.Batch.Labels.AsSpan(0, plan.Batch.Rows));
            }
        }

        using (_timeline.Begin("wait for dense gradients"))
        {
            sum.Wait();
        }

        using (_timeline.Begin("dense step"))
        {
            _dense.EndStep(rateFactor);
        }
    }

    /// <summary>Scores the plan's batch without learning from it.</summary>
    /// <returns>The logits of its rows, until the next batch.</returns>
    public ReadOnlySpan<float> Evaluate(StepPlan plan, BinaryMetrics metrics)
    {
        using var noGradients = no_grad();
        int rows = plan.Batch.Rows;
        if (_scores.Length < rows)
        {
            _scores = new float[rows];
        }

        Span<float> scores = _scores.AsSpan(0, rows);
        _dense.Prepare(plan);
        int part = PartOf(plan);
        for (int first = 0; first < rows; first += part)
        {
            using DisposeScope scope = NewDisposeScope();
            int rowsOfPart = Math.Min(part, rows - first);
            _dense.Load(plan, first, rowsOfPart);
            _dense.ReadScores(_dense.Model.forward(_dense.Linear, _dense.Embeddings, _dense.Dense), scores.Slice(first, rowsOfPart));
        }

        metrics.Add(scores, plan.Batch.Labels.AsSpan(0, rows));
        return scores;
    }

    public void Dispose() => _dense.Dispose();

    private void ComputeGradients(StepPlan plan, long globalRows)
    {
        _dense.Prepare(plan);
        using (_timeline.Begin("wait for rows"))
        {
            plan.WaitForRows();
        }

        int part = PartOf(plan);
        for (int first = 0; first < plan.Batch.Rows; first += part)
        {
            using DisposeScope scope = NewDisposeScope();
            ComputeGradients(plan, first, Math.Min(part, plan.Batch.Rows - first), globalRows);
        }
    }

    private void ComputeGradients(StepPlan plan, int first, int rows, long globalRows)
    {
        using (_timeline.Begin("load"))
        {
            _dense.Load(plan, first, rows);
        }

        Tensor logits, loss;
        using (_timeline.Begin("forward"))
        {
            logits = _dense.Model.forward(_dense.Linear, _dense.Embeddings, _dense.Dense);
            loss = _loss.Of(logits, _dense, globalRows);
        }

        using (_timeline.Begin("backward"))
        {
            loss.backward();
        }

        using (_timeline.Begin("collect"))
        {
            _dense.PartEnds(plan, logits, isLast: first + rows == plan.Batch.Rows);
        }
    }

    /// <summary>Rows that are computed at once.</summary>
    private int PartOf(StepPlan plan) => Math.Min(_microBatch, plan.Batch.Rows);
}
