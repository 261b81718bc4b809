using System.Diagnostics;
using OpenEmbedding.Collectives;
using OpenEmbedding.EmbeddingPs.Client;
using OpenEmbedding.Trainer.Configuration;
using OpenEmbedding.Trainer.Data;
using OpenEmbedding.Trainer.Metrics;
using OpenEmbedding.Trainer.Models;
using TorchSharp;

namespace OpenEmbedding.Trainer.Training;

/// <summary>A trainer's part in <c>oe-train</c>: all epochs, each followed by the test rows.</summary>
internal sealed class TrainingJob : IDisposable
{
    private readonly JobOptions _options;
    private readonly Cluster _cluster;
    private readonly TrainingData _data;
    private readonly ProgressReport _progress;
    private readonly TableLayout _layout;
    private readonly IEmbeddingStore _store;
    private readonly CtrModel _model;
    private readonly DenseOptimizer _dense;
    private readonly TrainStep _step;
    private readonly StepAgreement _agreement;
    private readonly SteadyClock _steady;
    private long _stepsDone;
    private long _samples;
    private long _badRows;

    public TrainingJob(JobOptions options, Cluster cluster, TrainingData data)
    {
        _options = options;
        _cluster = cluster;
        _data = data;
        _progress = ProgressReport.Create(cluster.Rank == 0, options.Output.Progress, options.Train.LogEvery);
        _layout = TableLayout.Create(options);
        _store = cluster.Store;
        _store.CreateTables(_layout.Tables);
        _model = CtrModel.Create(options.Model, _layout.Columns, options.Embedding.Dimension, options.Data.Dense.Count);
        _dense = new DenseOptimizer(_model.DenseParameters(), options.Optimizer, options.Cluster.Wire.Dense);
        torch.ScalarType type = options.Model.Dtype == ElementType.Float64 ? torch.ScalarType.Float64 : torch.ScalarType.Float32;
        _step = new TrainStep(_model, _dense, cluster.Trainers, _store, new BatchTensors(_layout, options.Data.Dense.Count, type), cluster.TimelineLane("trainer"));
        _agreement = new StepAgreement(cluster.Trainers);
        _steady = new SteadyClock(options.Output.SteadyAfter);
    }

    /// <summary>The model's dense parameters as they are now.</summary>
    public CtrModel Model => _model;

    /// <summary>The tables of the job.</summary>
    public TableLayout Layout => _layout;

    /// <summary>Trains; after every epoch scores the test rows.</summary>
    public TrainingResult Run()
    {
        _progress.Say(Describe());
        var clock = new Stopwatch();
        Quality train = default!;
        Quality? test = null;
        for (int epoch = 1; epoch <= _options.Train.Epochs; epoch++)
        {
            clock.Start();
            _steady.Resume(_stepsDone);
            train = TrainEpoch(epoch);
            clock.Stop();
            _steady.Pause();
            _progress.Say(Line($"epoch {epoch} train", train));
            if (_data.HasTest)
            {
                test = Evaluate();
                _progress.Say(Line($"epoch {epoch} test ", test));
            }
        }

        Span<long> badRows = [_badRows];
        _cluster.Trainers.AllReduce(badRows);
        return new TrainingResult(_samples, _stepsDone, clock.Elapsed.TotalSeconds, _steady.Speed, train, test, badRows[0]);
    }

    public void Dispose()
    {
        _agreement.Dispose();
        _step.Dispose();
        _dense.Dispose();
        _model.Dispose();
    }

    private static string Line(string what, Quality quality) =>
        FormattableString.Invariant($"{what} logloss {quality.Logloss:F5}  auc {quality.Auc:F5}  samples {quality.Samples:N0}");

    private string Describe() => FormattableString.Invariant(
        $"{_options.Model.Name} with {_layout.Tables.Count} {_layout.Kind} tables, {_cluster.Size} trainers, {_cluster.Servers} servers, strategy {_options.Cluster.Strategy}, global batch {(long)_options.Train.BatchSize * _cluster.Size:N0}");

    private Quality TrainEpoch(int epoch)
    {
        var metrics = new BinaryMetrics();
        using BatchReader reader = _data.OpenTrain();
        using var batches = new BatchPipeline(reader, _layout, _store.Shards, _options.Train.Prefetch, _cluster.TimelineLane("batches"));
        long limit = _options.Train.Steps ?? long.MaxValue;
        long stepOfEpoch = 0;
        long samplesOfEpoch = 0;
        StepPlan plan = Announce(batches, metrics, more: limit > 0);
        _agreement.Complete();
        while (_agreement.GoesOn)
        {
            long globalRows = _agreement.GlobalRows;
            if (globalRows == 0)
            {
                // Only malformed rows in the batches of all: they are passed over together, so that the places of all trainers stay alike.
                batches.Return(plan);
                plan = Announce(batches, metrics, more: stepOfEpoch < limit);
                _agreement.Complete();
                continue;
            }

            long step = _stepsDone;
            _stepsDone++;
            stepOfEpoch++;
            StepPlan next = Announce(batches, metrics, more: stepOfEpoch < limit);
            _step.Train(plan, step, globalRows, metrics);
            batches.Return(plan);
            plan = next;
            _samples += globalRows;
            _agreement.Complete();
            _steady.StepDone(_stepsDone, globalRows);
            _progress.Step(stepOfEpoch, epoch, _samples, _agreement.GlobalLoss / Math.Max(1, samplesOfEpoch));
            samplesOfEpoch += globalRows;
        }

        batches.Return(plan);
        _badRows += reader.BadRows;
        return Reduce(metrics);
    }

    /// <summary>Takes the next batch, sends its pull on the way and tells the others its size.</summary>
    private StepPlan Announce(BatchPipeline batches, BinaryMetrics metrics, bool more)
    {
        StepPlan plan = more ? batches.Next() : batches.Empty;
        plan.BeginPull(_store, _stepsDone, PullMode.Train);
        _agreement.Begin(plan.Batch.Rows, metrics.Sums[0], hasBatch: plan != batches.Empty);
        return plan;
    }

    private Quality Evaluate()
    {
        var metrics = new BinaryMetrics();
        using BatchReader reader = _data.OpenTest();
        using var batches = new BatchPipeline(reader, _layout, _store.Shards, _options.Train.Prefetch, _cluster.TimelineLane("batches"));
        StepPlan plan = Pull(batches);
        while (plan != batches.Empty)
        {
            StepPlan next = Pull(batches);
            if (plan.Batch.Rows > 0)
            {
                _step.Evaluate(plan, metrics);
            }

            batches.Return(plan);
            plan = next;
        }

        _badRows += reader.BadRows;
        return Reduce(metrics);
    }

    private StepPlan Pull(BatchPipeline batches)
    {
        StepPlan plan = batches.Next();
        plan.BeginPull(_store, _stepsDone, PullMode.Evaluate);
        return plan;
    }

    private Quality Reduce(BinaryMetrics metrics)
    {
        _cluster.Trainers.AllReduce(metrics.Counts);
        _cluster.Trainers.AllReduce(metrics.Sums);
        return Quality.Of(metrics);
    }
}

/// <summary>What all trainers did together.</summary>
/// <param name="Samples">Samples trained on, over all epochs.</param>
/// <param name="Steps">Steps, over all epochs.</param>
/// <param name="Seconds">Time of training, without start-up and tests.</param>
/// <param name="Steady">The speed without the first steps, null when there were no others.</param>
/// <param name="Train">Quality of the last epoch, each sample scored before its step.</param>
/// <param name="Test">Quality on the test rows after the last epoch, null without any.</param>
/// <param name="BadRows">Malformed rows passed over.</param>
internal sealed record TrainingResult(long Samples, long Steps, double Seconds, SteadySpeed? Steady, Quality Train, Quality? Test, long BadRows);
