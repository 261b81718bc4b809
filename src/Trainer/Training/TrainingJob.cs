using System.Diagnostics;
using OpenEmbedding.Collectives;
using OpenEmbedding.EmbeddingPs.Client;
using OpenEmbedding.Trainer.Checkpoints;
using OpenEmbedding.Trainer.Configuration;
using OpenEmbedding.Trainer.Devices;
using OpenEmbedding.Trainer.Metrics;
using OpenEmbedding.Trainer.Models;
using OpenEmbedding.Trainer.Observation;
using OpenEmbedding.Trainer.Tuning;
using TorchSharp;

namespace OpenEmbedding.Trainer.Training;

/// <summary>A trainer's part in <c>oe-train</c>: all epochs, each followed by the test rows.</summary>
internal sealed partial class TrainingJob : IDisposable
{
    private readonly JobOptions _options;
    private readonly Cluster _cluster;
    private readonly TrainingData _data;
    private readonly ProgressReport _progress;
    private readonly TableLayout _layout;
    private readonly IEmbeddingStore _store;
    private readonly CtrModel _model;
    private readonly DenseOptimizer _dense;
    private readonly HostMemory _memory;
    private readonly TrainStep _step;
    private readonly StepAgreement _agreement;
    private readonly SteadyClock _steady;
    private readonly CheckpointWriter? _checkpoints;
    private readonly Interruption _interruption;
    private readonly EarlyStopping _early;
    private readonly Stopwatch _clock = new();
    private readonly Autotuner? _tuner;

    private TunedSettings _settings;

    // Where training is; of the epoch under way, as long as there is one.
    private BinaryMetrics _metrics = new();
    private int _epoch = 1;
    private long _stepsOfEpoch;
    private long _rowsOfEpoch;
    private long _samplesOfEpoch;
    private Quality? _train;
    private Quality? _test;
    private long _stepsDone;
    private long _samples;
    private long _badRows;

    // What the checkpoint that was loaded had trained; the store counts steps from there.
    private long _loadedSteps;
    private long _loadedSamples;

    /// <summary>Makes model and tables, with initial or loaded weights; every trainer does at the same time.</summary>
    public TrainingJob(JobOptions options, Cluster cluster, JobInputs inputs, Interruption interruption)
    {
        _options = options;
        _cluster = cluster;
        _interruption = interruption;
        _early = new EarlyStopping(options.EarlyStopping);
        _data = inputs.Data;
        _progress = ProgressReport.Create(cluster.Rank == 0, options.Output.Progress, options.Train.LogEvery);
        _layout = TableLayout.Create(options);
        _observers = inputs.Observers;
        _phases = options.Output.Report is not null && cluster.Rank == 0 ? cluster.KeepPhases() : null;
        _rowSample = new RowSample(_layout);
        _store = cluster.Store;
        _store.CreateTables(_layout.Tables);
        _model = NewModel(device: null);
        _dense = new DenseOptimizer(_model.DenseParameters(), options.Optimizer, WireOfDense(options, cluster), options.Train.ClipValue, options.Train.ClipNorm);
        _agreement = new StepAgreement(cluster.Trainers);
        _steady = new SteadyClock(options.Output.SteadyAfter);
        _settings = cluster.FirstSettings(options);
        _tuner = options.Autotune.Enabled && cluster.Rank == 0
            ? new Autotuner(cluster.SettingsOf(options), options.Autotune, inputs.AutotuneLog, TimeProvider.System)
            : null;
        if (options.Checkpoint.Directory is { } folder)
        {
            _checkpoints = new CheckpointWriter(inputs.Checkpoints, options.Checkpoint.Keep, options.Checkpoint.Increments, _store, Path.GetFullPath(folder));
        }

        if (inputs.Start is { } start)
        {
            Load(start);
        }

        _memory = cluster.Device is null ? HostMemory.Aligned : HostMemory.PinnedFor(cluster.Device);
        IDensePart dense = cluster.Device is { } device
            ? new CudaDensePart(device, _memory, _model, NewModel, _dense, cluster.Trainers, _layout, options.Data.Dense.Count)
            : new HostDensePart(_model, _dense, cluster.Trainers, _layout, options.Data.Dense.Count);
        _step = new TrainStep(dense, _store, new TrainingLoss(options), options.Train.MicroBatchSize, cluster.TimelineLane("trainer"));
    }

    /// <summary>The model's dense parameters as they are now.</summary>
    public CtrModel Model => _model;

    /// <summary>The tables of the job.</summary>
    public TableLayout Layout => _layout;

    /// <summary>Trains and tests. A signal ends it behind a last checkpoint.</summary>
    public TrainingResult Run()
    {
        _progress.Say(Describe());
        Say(_observers?.Announcement);
        bool stops = false;
        bool trains = IsUnfinished;
        while (!stops && IsUnfinished)
        {
            ResumeClocks();
            int epoch = _epoch;
            stops = TrainEpoch();
            PauseClocks();
            if (epoch == _epoch)
            {
                break;
            }

            _progress.Say(Line($"epoch {epoch} train", _train!));
            ObserveScore(epoch, ScoredRows.Train, _train!);
            if (!stops && _data.HasTest)
            {
                Test(epoch, $"epoch {epoch} test ");
            }
        }

        if (!trains)
        {
            _progress.Say(FormattableString.Invariant($"nothing is left to train: {_epoch - 1} epochs are done"));
            if (_data.HasTest)
            {
                _test = Evaluate(isLast: true);
                ObserveScore(_epoch - 1, ScoredRows.Test, _test);
            }
        }

        if (_early.IsOver)
        {
            _progress.Say(_early.Reason);
            if (trains && _epoch <= _options.Train.Epochs && _options.Output.Predictions is not null)
            {
                Evaluate(isLast: true);
            }
        }

        _tuner?.TrainingEnds();
        Say(_tuner?.News());
        Say(_checkpoints?.Finish());
        _checkpoints?.ThrowIfLastFailed();
        var result = new TrainingResult(
            _samples, _loadedSamples, _stepsDone, _clock.Elapsed.TotalSeconds, _steady.Speed, _train, _test, SumOf(_badRows), stops, _early.IsOver);
        _observers?.TrainingEnds(result, _phases?.Read() ?? []);
        return result;
    }

    /// <summary>Says what each table holds whose growth is bounded.</summary>
    /// <param name="tables">The statistics of all servers; empty but on the first trainer.</param>
    public void Report(IReadOnlyList<TableStatistics> tables)
    {
        if (!_options.Embedding.Growth.IsOn)
        {
            return;
        }

        foreach (var table in tables.GroupBy(shard => shard.Name))
        {
            _progress.Say(FormattableString.Invariant(
                $"table {table.Key}: {table.Sum(shard => shard.Rows):N0} rows, {table.Sum(shard => shard.RowsAdmitted):N0} admitted, {table.Sum(shard => shard.RowsEvicted):N0} evicted, {table.Sum(shard => shard.Candidates):N0} candidates"));
        }
    }

    public void Dispose()
    {
        _tuner?.Dispose();
        _agreement.Dispose();
        _step.Dispose();
        _dense.Dispose();
        _model.Dispose();
    }

    // A reader decodes rows about as fast as four threads use them; where a GPU does, the others have less to do.
    private int Readers => Math.Clamp(torch.get_num_threads() / (_cluster.Device is null ? 4 : 3), 1, _cluster.Device is null ? 4 : 6);

    // More would wait for memory, and take the cores of those that the step waits for.
    private static int Planners => Math.Min(torch.get_num_threads(), 4);

    private bool IsUnfinished => _epoch <= _options.Train.Epochs && !_early.IsOver;

    private static string Line(string what, Quality quality) =>
        FormattableString.Invariant($"{what} logloss {quality.Logloss:F5}  auc {quality.Auc:F5}  samples {quality.Samples:N0}")
        + (quality.Groups is { } groups ? FormattableString.Invariant($"  in {groups.Groups:N0} groups auc {groups.Auc:F5}") : "");

    private void ResumeClocks()
    {
        _clock.Start();
        _steady.Resume(StoreStep);
    }

    private void PauseClocks()
    {
        _clock.Stop();
        _steady.Pause();
        _tuner?.Pause();
    }

    private string Describe() => FormattableString.Invariant(
        $"{_options.Model.Name} with {_layout.Tables.Count} {_layout.Kind} tables, {_cluster.Size} trainers, {_cluster.Servers} servers, strategy {_options.Cluster.Strategy}, global batch {(long)_options.Train.BatchSize * _cluster.Size:N0}");

    /// <summary>Trains the epoch under way from where it is to its end, or until the job is to stop.</summary>
    /// <returns>Whether the job is to stop.</returns>
    private bool TrainEpoch()
    {
        using var batches = new BatchPipeline(_data.OpenTrain(Readers, _epoch, _rowsOfEpoch), _layout, _store.Shards, _settings.Prefetch, _memory, Planners, _cluster.TimelineLane);
        long limit = _options.Train.Steps ?? long.MaxValue;
        StepPlan plan = Announce(batches, more: _stepsOfEpoch < limit);
        Agree(batches);
        while (_agreement.GoesOn)
        {
            long globalRows = _agreement.GlobalRows;
            if (globalRows == 0)
            {
                // Only malformed rows in the batches of all: they are passed over together, so that the places of all trainers stay alike.
                Pass(batches, plan);
                plan = Announce(batches, more: _stepsOfEpoch < limit);
                Agree(batches);
                _tuner?.Pause();
                continue;
            }

            long step = StoreStep;
            _stepsDone++;
            _stepsOfEpoch++;
            StepPlan next = Announce(batches, more: _stepsOfEpoch < limit);
            double rateFactor = _options.Schedule.FactorAt(_stepsDone - 1);
            _step.Train(plan, step, globalRows, rateFactor, _metrics);
            int rowsPulled = plan.DistinctRows;
            if (_observers is not null)
            {
                _rowSample.Take(plan.Batch);
            }

            Pass(batches, plan);
            plan = next;
            _samples += globalRows;
            TunedSettings settings = _settings;
            Agree(batches);
            _tuner?.StepDone(settings, globalRows);
            Say(_tuner?.News());
            _steady.StepDone(StoreStep, globalRows);
            _cluster.HoldTimelineAt(StoreStep);
            _progress.Step(_stepsOfEpoch, _epoch, _samples, _agreement.GlobalLoss / Math.Max(1, _samplesOfEpoch));
            ObserveStep(rateFactor, rowsPulled);
            _samplesOfEpoch += globalRows;
            Say(_checkpoints?.News());
            if (_agreement.GoesOn && (_agreement.Stops || SaveIsDue()))
            {
                Save();
                _tuner?.Pause();
                if (_agreement.Stops)
                {
                    batches.Return(plan);
                    return true;
                }
            }

            if (_agreement.GoesOn && TestIsDue())
            {
                PauseClocks();
                Test(_epoch, FormattableString.Invariant($"epoch {_epoch} step {_stepsOfEpoch} test "));
                ResumeClocks();
                if (_early.IsOver)
                {
                    batches.Return(plan);
                    _train = Reduce(_metrics);
                    Save();
                    return false;
                }
            }
        }

        batches.Return(plan);
        _train = Reduce(_metrics);
        BeginEpoch();
        if (_agreement.Stops || EndOfEpochIsDue())
        {
            Save();
        }

        return _agreement.Stops;
    }

    /// <summary>Gives a batch back; its rows are behind.</summary>
    private void Pass(BatchPipeline batches, StepPlan plan)
    {
        _rowsOfEpoch += (long)_options.Train.BatchSize * (_options.Data.Shard == ShardRule.Files ? 1 : _cluster.Size);
        _badRows += plan.Batch.BadRows;
        batches.Return(plan);
    }

    /// <summary>Takes the next batch, sends its pull on the way and tells the others its size.</summary>
    private StepPlan Announce(BatchPipeline batches, bool more)
    {
        StepPlan plan = more ? batches.Next() : batches.Empty;
        plan.BeginPull(_store, StoreStep, PullMode.Train);
        _agreement.Begin(
            plan.Batch.Rows, _metrics.Sums[0], hasBatch: plan != batches.Empty, saves: TimeIsUp(), stops: _interruption is { Deferred: true, Signal: not null },
            _tuner?.Wanted);
        return plan;
    }

    /// <summary>Waits for the other trainers' announcements, and goes on with the settings among them as all do.</summary>
    private void Agree(BatchPipeline batches)
    {
        _agreement.Complete();
        if (_agreement.Settings is { } settings && settings != _settings)
        {
            _settings = settings;
            _cluster.Tune(settings);
            batches.SetPrefetch(settings.Prefetch);
        }
    }

    /// <summary>NCCL sums gradients in the type in which they were computed.</summary>
    private static ElementType? WireOfDense(JobOptions options, Cluster cluster) => cluster.Trainers.HasDevices ? null : options.Cluster.Wire.Dense;

    private CtrModel NewModel(torch.Device? device) =>
        CtrModel.Create(_options.Model, _layout.Columns, _options.Embedding.Dimension, _options.Data.Dense.Count, _layout.DimensionsOfColumns, device);

    private Quality Reduce(BinaryMetrics metrics)
    {
        _cluster.Trainers.AllReduce(metrics.Counts);
        _cluster.Trainers.AllReduce(metrics.Sums);
        return Quality.Of(metrics);
    }
}

/// <summary>What all trainers did together.</summary>
/// <param name="Samples">Samples trained on, over all epochs.</param>
/// <param name="LoadedSamples">Of these, those that a checkpoint brought.</param>
/// <param name="Steps">Steps, over all epochs.</param>
/// <param name="Seconds">Time of training in this job, without start-up and tests.</param>
/// <param name="Steady">The speed without the first steps, null when there were no others.</param>
/// <param name="Train">Quality of the last whole epoch, or of the part that early stopping left, each sample scored before its step; null without one.</param>
/// <param name="Test">Quality on the test rows at the last test, null without any.</param>
/// <param name="BadRows">Malformed rows passed over.</param>
/// <param name="Stopped">Whether a signal ended training before its end.</param>
/// <param name="StoppedEarly">Whether training ended because the test rows were scored no better.</param>
internal sealed record TrainingResult(
    long Samples,
    long LoadedSamples,
    long Steps,
    double Seconds,
    SteadySpeed? Steady,
    Quality? Train,
    Quality? Test,
    long BadRows,
    bool Stopped,
    bool StoppedEarly);
