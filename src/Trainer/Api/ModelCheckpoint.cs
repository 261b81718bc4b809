using System.Text.Json.Nodes;
using OpenEmbedding.Collectives;
using OpenEmbedding.EmbeddingPs.Checkpoints;
using OpenEmbedding.Trainer.Checkpoints;
using OpenEmbedding.Trainer.Training;

namespace OpenEmbedding.Trainer;

/// <summary>Saves checkpoints of a training loop of one's own, as Keras' callback of this name; steps go on while one is written.</summary>
/// <example><code>
/// using var checkpoint = new ModelCheckpoint(cluster, "tmp/epoch", new() { EverySteps = 1000 });
/// …
/// optimizer.step();
/// checkpoint.StepEnd();
/// …
/// checkpoint.Finish();
/// </code></example>
/// <remarks>
/// Every trainer makes one and calls it in the same places; the first one and the servers write. A checkpoint that fails, as on a full disk, is
/// a line of the first trainer on standard error; training goes on, and <see cref="Finish"/> throws if the last one failed.
/// </remarks>
public sealed class ModelCheckpoint : IDisposable
{
    private readonly Cluster _cluster;
    private readonly ModelCheckpointOptions _options;
    private readonly CheckpointDirectory? _directory;
    private readonly CheckpointWriter _writer;
    private double? _best;
    private long _epochs;

    /// <summary>Opens the folder.</summary>
    /// <param name="cluster">The cluster, with its model and its optimizer, behind <see cref="Cluster.Load"/> if training goes on.</param>
    /// <param name="folder">The folder of the checkpoints, reachable from every rank; made if it is not there.</param>
    /// <param name="options">When to save; by default at the end of every epoch.</param>
    /// <exception cref="OpenEmbeddingException">The folder is not writable, in use, or has a checkpoint of a later step than the cluster is at.</exception>
    public ModelCheckpoint(Cluster cluster, string folder, ModelCheckpointOptions? options = null)
    {
        _cluster = cluster;
        _options = options ?? new ModelCheckpointOptions();
        _options.Check();
        _directory = cluster.OpenToSave(folder);
        _writer = new CheckpointWriter(_directory, _options.Keep, _options.Increments, cluster.Store, Path.GetFullPath(folder));
        if (_options.Best is not null)
        {
            _best = cluster.Together(() => _directory?.NewestManifest(cluster.Skipped) is { } newest
                ? ProgramState.Of(CheckpointSource.OpenForReading(newest).Manifest.Training)?.Metric
                : null);
        }
    }

    /// <summary>Saves if steps or minutes make a checkpoint due; call it behind every step.</summary>
    /// <param name="metric">What <see cref="ModelCheckpointOptions.Best"/> compares; that of the first trainer counts.</param>
    /// <param name="state">What the program wants back from <see cref="Cluster.Load"/>; that of the first trainer is written.</param>
    public void StepEnd(double? metric = null, JsonObject? state = null) =>
        SaveIf(_options.EverySteps is { } steps && _cluster.Step % steps == 0, metric, state);

    /// <summary>Saves if epochs or minutes make a checkpoint due; call it behind every epoch.</summary>
    /// <param name="metric">As in <see cref="StepEnd"/>.</param>
    /// <param name="state">As in <see cref="StepEnd"/>.</param>
    public void EpochEnd(double? metric = null, JsonObject? state = null)
    {
        _epochs++;
        SaveIf(_options.EveryEpochs > 0 && _epochs % _options.EveryEpochs == 0, metric, state);
    }

    /// <summary>Waits for the checkpoint that is being written.</summary>
    /// <exception cref="OpenEmbeddingException">The last checkpoint failed; those before are as they were.</exception>
    public void Finish() => _cluster.Together(() =>
    {
        string? line = _writer.Finish();
        _writer.ThrowIfLastFailed();
        return line;
    });

    /// <summary>Waits for the checkpoint that is being written and gives the folder free.</summary>
    public void Dispose()
    {
        Tell(_writer.Finish());
        _directory?.Dispose();
    }

    /// <summary>Whether a metric is better than the best so far; one that is no number never is.</summary>
    internal static bool IsBetter(double metric, double? best, BestMetric which) =>
        !double.IsNaN(metric) && (best is not { } before || (which == BestMetric.Lowest ? metric < before : metric > before));

    private void SaveIf(bool due, double? metric, JsonObject? state)
    {
        Tell(_writer.News());
        if ((due || TimeIsUp()) && IsBest(metric))
        {
            Tell(_writer.Begin(_cluster.Step, !_options.WeightsOnly, _cluster.Content(!_options.WeightsOnly, metric, state)));
        }
    }

    // One clock decides, so that all trainers save the same step.
    private bool TimeIsUp() =>
        _options.EveryMinutes is { } minutes && _cluster.Any(_cluster.Rank == 0 && _writer.SinceLast.TotalMinutes >= minutes);

    private bool IsBest(double? metric)
    {
        if (_options.Best is not { } which)
        {
            return true;
        }

        double mine = metric ?? throw new ArgumentNullException(nameof(metric), "The best checkpoint is known by its metric.");
        if (!_cluster.Any(_cluster.Rank == 0 && IsBetter(mine, _best, which)))
        {
            return false;
        }

        _best = mine;
        return true;
    }

    // What went well needs no line.
    private void Tell(string? line)
    {
        if (line is not null && _writer.LastFailed)
        {
            RankFailure.Say(line);
        }
    }
}
