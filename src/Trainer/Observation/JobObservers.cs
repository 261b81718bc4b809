using OpenEmbedding.Collectives;
using OpenEmbedding.Trainer.Configuration;
using OpenEmbedding.Trainer.Observation.Prometheus;
using OpenEmbedding.Trainer.Observation.Report;
using OpenEmbedding.Trainer.Observation.TensorBoard;
using OpenEmbedding.Trainer.Training;

namespace OpenEmbedding.Trainer.Observation;

/// <summary>The observers that a configuration asks for.</summary>
internal sealed class JobObservers : IJobObserver
{
    private readonly List<IJobObserver> _observers = [];

    /// <summary>Opens what the observers write to.</summary>
    /// <returns>Null where the configuration asks for none.</returns>
    /// <exception cref="OpenEmbeddingException">The port of the metrics is taken.</exception>
    /// <exception cref="IOException">It cannot be written.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be written.</exception>
    public static JobObservers? Open(JobOptions job, int trainers)
    {
        var all = new JobObservers();
        if (job.Output.Tensorboard is { } folder)
        {
            all._observers.Add(new TensorBoardObserver(EventFile.Create(folder, TimeProvider.System), job));
        }

        if (job.Output.MetricsPort is not null)
        {
            all._observers.Add(new MetricsObserver(job));
        }

        if (job.Output.Report is { } report)
        {
            // A folder that cannot be made is told before training, not after it.
            Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(report))!);
            all._observers.Add(new ReportObserver(job, trainers));
        }

        return all._observers.Count > 0 ? all : null;
    }

    /// <inheritdoc/>
    public string? Announcement =>
        _observers.Select(observer => observer.Announcement).Where(line => line is not null).ToArray() is { Length: > 0 } lines ? string.Join('\n', lines) : null;

    /// <inheritdoc/>
    public void StepEnded(in StepReport step)
    {
        foreach (IJobObserver observer in _observers)
        {
            observer.StepEnded(step);
        }
    }

    /// <inheritdoc/>
    public void Scored(ScoreReport score) => _observers.ForEach(observer => observer.Scored(score));

    /// <inheritdoc/>
    public void TrainingEnds(TrainingResult result, IReadOnlyList<PhaseTotal> phases) => _observers.ForEach(observer => observer.TrainingEnds(result, phases));

    /// <inheritdoc/>
    public void Dispose() => _observers.ForEach(observer => observer.Dispose());
}
