using OpenEmbedding.Collectives;
using OpenEmbedding.Trainer.Configuration;
using OpenEmbedding.Trainer.Training;

namespace OpenEmbedding.Trainer.Observation.Prometheus;

/// <summary>Answers Prometheus' questions about a job over HTTP.</summary>
/// <remarks>Requests come on threads of their own; the training thread holds the lock for some additions only.</remarks>
internal sealed class MetricsObserver : IJobObserver
{
    private static readonly double[] _stepBounds = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10];
    private readonly JobOptions _job;
    private readonly Lock _gate = new();
    private readonly long[] _stepCounts = new long[_stepBounds.Length + 1];
    private readonly MetricsListener _listener;
    private StepReport _step;
    private long _rows;
    private double _stepSeconds;
    private ScoreReport? _train;
    private ScoreReport? _test;
    private ScoreReport? _last;

    /// <summary>Begins to listen.</summary>
    /// <exception cref="OpenEmbeddingException">The address is not one of this machine, or the port is taken.</exception>
    public MetricsObserver(JobOptions job)
    {
        _job = job;
        _listener = new MetricsListener(job.Output.MetricsHost, job.Output.MetricsPort!.Value, Text);
    }

    /// <inheritdoc/>
    public string Announcement => $"metrics: {_listener.Address}";

    /// <inheritdoc/>
    public void StepEnded(in StepReport step)
    {
        double seconds = step.Seconds - _step.Seconds;
        int bucket = Array.FindIndex(_stepBounds, bound => seconds <= bound);
        lock (_gate)
        {
            _step = step;
            _rows += step.RowsPulled;
            _stepSeconds += seconds;
            _stepCounts[bucket < 0 ? ^1 : bucket]++;
        }
    }

    /// <inheritdoc/>
    public void Scored(ScoreReport score)
    {
        lock (_gate)
        {
            _last = score;
            if (score.What == ScoredRows.Train)
            {
                _train = score;
            }
            else
            {
                _test = score;
            }
        }
    }

    /// <inheritdoc/>
    public void TrainingEnds(TrainingResult result, IReadOnlyList<PhaseTotal> phases)
    {
    }

    /// <inheritdoc/>
    public void Dispose() => _listener.Dispose();

    /// <summary>All metrics as they are now.</summary>
    internal string Text()
    {
        lock (_gate)
        {
            return new MetricsText()
                .Add("oe_steps_total", "counter", "Steps done, with those of a checkpoint that was loaded.", _step.Step)
                .Add("oe_samples_total", "counter", "Samples of all trainers, likewise.", _step.Samples)
                .Add("oe_epoch", "gauge", "The epoch, from 1.", _step.Epoch)
                .Add("oe_logloss", "gauge", "Mean log-loss of the epoch so far, in nats.", _step.LossSamples > 0 ? _step.LossSum / _step.LossSamples : null)
                .Add("oe_scored_logloss", "gauge", "Mean log-loss of the last epoch and of the last test, in nats.", "rows", Scores(quality => quality.Logloss))
                .Add("oe_scored_auc", "gauge", "Area under the ROC curve of the last epoch and of the last test.", "rows", Scores(quality => quality.Auc))
                .Add("oe_learning_rate", "gauge", "Learning rate of the last step.", "weights", [("dense", _job.Optimizer.LearningRate * _step.RateFactor), ("rows", (_job.Embedding.Optimizer ?? _job.Optimizer).LearningRate * _step.RateFactor)])
                .Histogram("oe_step_seconds", "Time of a step, without tests.", _stepBounds, _stepCounts, _stepSeconds)
                .Add("oe_pulled_bytes_total", "counter", "Bytes of pulls of the first trainer.", _step.Traffic.PulledBytes)
                .Add("oe_pushed_bytes_total", "counter", "Bytes of pushes of the first trainer.", _step.Traffic.PushedBytes)
                .Add("oe_pulled_keys_total", "counter", "Distinct keys that the first trainer pulled to train.", _rows)
                .Add("oe_pushed_keys_total", "counter", "Distinct keys that the first trainer pushed gradients of.", _rows)
                .Add("oe_table_rows", "gauge", "Rows of each table on all servers at the last end of an epoch or test.", "table", Tables(table => table.Rows))
                .Add("oe_table_bytes", "gauge", "Bytes of each table in memory on all servers, likewise.", "table", Tables(table => table.MemoryBytes))
                .ToString();
        }
    }

    private List<(string Label, double Value)> Scores(Func<Quality, double?> score)
    {
        var scores = new List<(string, double)>();
        foreach ((string rows, ScoreReport? report) in new[] { ("epoch", _train), ("test", _test) })
        {
            if (report is not null && score(report.Quality) is { } value)
            {
                scores.Add((rows, value));
            }
        }

        return scores;
    }

    private List<(string Label, double Value)> Tables(Func<EmbeddingPs.Client.TableStatistics, long> of) =>
        [.. (_last?.Tables ?? []).GroupBy(table => table.Name).Select(table => (table.Key, (double)table.Sum(of)))];
}
