using OpenEmbedding.EmbeddingPs.Checkpoints;
using OpenEmbedding.Trainer.Checkpoints;
using OpenEmbedding.Trainer.Configuration;
using OpenEmbedding.Trainer.Metrics;

namespace OpenEmbedding.Trainer.Training;

/// <content>What is saved, when, and how a job goes on from it.</content>
internal sealed partial class TrainingJob
{
    /// <summary>The number of the next step as the store counts: from 0, whatever was loaded.</summary>
    private long StoreStep => _stepsDone - _loadedSteps;

    private string OptimizerName => _options.Optimizer.RuleName();

    /// <summary>Writes the weights without optimizer state, where the configuration asks for them; every trainer calls it.</summary>
    /// <param name="directory">The folder, null but on the first trainer.</param>
    public void WriteModel(CheckpointDirectory? directory)
    {
        if (_options.Output.Model is { } folder)
        {
            var model = new CheckpointWriter(directory, keep: 1, increments: 1, _store, Path.GetFullPath(folder));
            model.Begin(_stepsDone, slots: false, () => new CheckpointContent(_dense.Export(slots: false), Training: null));
            model.Finish();
            model.ThrowIfLastFailed();
        }
    }

    private bool SaveIsDue() =>
        _checkpoints is not null && (_agreement.SaveIsDue || (_options.Checkpoint.EverySteps is { } steps && _stepsDone % steps == 0));

    private bool EndOfEpochIsDue()
    {
        int every = _options.Checkpoint.EveryEpochs;
        int done = _epoch - 1;
        return _checkpoints is not null && ((every > 0 && (done % every == 0 || done == _options.Train.Epochs)) || SaveIsDue());
    }

    // One clock decides, so that all trainers save the same step.
    private bool TimeIsUp() =>
        _checkpoints is not null && _cluster.Rank == 0 && _options.Checkpoint.EveryMinutes is { } minutes
        && _checkpoints.SinceLast.TotalMinutes >= minutes;

    private void BeginEpoch()
    {
        _epoch++;
        _stepsOfEpoch = 0;
        _rowsOfEpoch = 0;
        _samplesOfEpoch = 0;
        _metrics = new BinaryMetrics();
    }

    /// <summary>Saves the state after the last step; every trainer calls it.</summary>
    private void Save()
    {
        if (_checkpoints is null)
        {
            return;
        }

        var all = new BinaryMetrics();
        _metrics.Counts.CopyTo(all.Counts);
        _cluster.Trainers.AllReduce(all.Counts);
        var state = new TrainingState
        {
            Steps = _stepsDone,
            Epoch = _epoch,
            StepsOfEpoch = _stepsOfEpoch,
            RowsOfEpoch = _rowsOfEpoch,
            Samples = _samples,
            SamplesOfEpoch = _samplesOfEpoch,
            BadRows = SumOf(_badRows),
            Losses = _cluster.Trainers.AllGather<double>(_metrics.Sums),
            Train = _train,
            BestScore = _early.Best,
            TestsSinceBest = _early.TestsSinceBest,
            Shard = _options.Data.Shard,
            ShuffleBuffer = _options.Data.ShuffleBuffer,
            ShuffleSeed = _options.Data.ShuffleSeed,
            Optimizer = OptimizerName,
            Seed = _options.Model.Seed,
        };
        Say(_checkpoints.Begin(
            _stepsDone, slots: true, () => new CheckpointContent([.. _dense.Export(slots: true), .. MetricArrays.Export(all)], state.ToJson())));
    }

    /// <summary>Takes over a checkpoint, or a part of it.</summary>
    private void Load(CheckedCheckpoint checkpoint)
    {
        LoadPart part = _options.Load.Part;
        var loader = new CheckpointLoader(
            _cluster, new CheckpointParts(Rows: part != LoadPart.Dense, Slots: part == LoadPart.All, Dense: part != LoadPart.Embeddings));
        (CheckpointSource source, DenseArrays? dense) =
            loader.Load(checkpoint, older => StartingPoint.Check(older, _options, _cluster.Size), Announce);
        if (dense is not null)
        {
            LoadDense(dense, StartingPoint.StateOf(source, _options));
        }
    }

    private void LoadDense(DenseArrays arrays, TrainingState? state)
    {
        _cluster.Together(() =>
        {
            _dense.Import(arrays, slots: state is not null && state.Optimizer == OptimizerName);
            return true;
        });
        if (state is null)
        {
            return;
        }

        (_epoch, _stepsOfEpoch, _rowsOfEpoch, _samplesOfEpoch) = (state.Epoch, state.StepsOfEpoch, state.RowsOfEpoch, state.SamplesOfEpoch);
        (_stepsDone, _samples, _train) = (state.Steps, state.Samples, state.Train);
        (_loadedSteps, _loadedSamples) = (state.Steps, state.Samples);
        _early.GoOnFrom(state.BestScore, state.TestsSinceBest);
        if (_cluster.Rank == 0)
        {
            _badRows = state.BadRows;
            MetricArrays.Import(arrays.All, _metrics);
        }

        // Each trainer goes on with its own sum, so that the total has the same bits; other trainers start from that of all.
        bool same = state.Losses.Length == _cluster.Size;
        _metrics.Sums[0] = same ? state.Losses[_cluster.Rank] : _cluster.Rank == 0 ? state.Losses.Sum() : 0;
    }

    private void Announce(CheckedCheckpoint checkpoint)
    {
        CheckpointSource source = checkpoint.Source;
        TrainingState? state = StartingPoint.StateOf(source, _options);
        int servers = source.Manifest.Servers.Count;
        _progress.Say(FormattableString.Invariant(
            $"loading {source.ManifestPath}: step {source.Manifest.Step}, rows of {servers} servers to {_store.Shards}"));
        if (_options.Load.Part == LoadPart.All && state is null)
        {
            _progress.Say("it has no place in the data: training begins at the first epoch");
        }

        foreach (string note in _options.Load.Part == LoadPart.All ? checkpoint.Notes : [])
        {
            _progress.Say(note);
        }

        if (state is not null && state.Optimizer != OptimizerName)
        {
            _progress.Say($"Dense weights: saved with {state.Optimizer}, trained with {OptimizerName}; weights are kept, slots start anew.");
        }
    }

    private void Say(string? line)
    {
        if (line is not null && _cluster.Rank == 0)
        {
            _progress.Say(line);
        }
    }

    private long SumOf(long mine)
    {
        Span<long> sum = [mine];
        _cluster.Trainers.AllReduce(sum);
        return sum[0];
    }
}
