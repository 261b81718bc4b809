using OpenEmbedding.Collectives;
using OpenEmbedding.Trainer.Configuration;
using OpenEmbedding.Trainer.Training;

namespace OpenEmbedding.Trainer.Observation.TensorBoard;

/// <summary>Writes the curves of a job to an event file of TensorBoard.</summary>
internal sealed class TensorBoardObserver(EventFile file, JobOptions job) : IJobObserver
{
    private readonly StepWindow _window = new(job.Output.CurveEvery);

    /// <inheritdoc/>
    public string? Announcement => null;

    /// <inheritdoc/>
    public void StepEnded(in StepReport step)
    {
        if (_window.Add(step) is { } point)
        {
            file.Add(point.Step, new EventValues()
                .Scalar("train/logloss", point.Loss)
                .Scalar("speed/samples_per_second", point.SamplesPerSecond)
                .Scalar("learning_rate/dense", job.Optimizer.LearningRate * point.RateFactor)
                .Scalar("learning_rate/rows", (job.Embedding.Optimizer ?? job.Optimizer).LearningRate * point.RateFactor));
        }
    }

    /// <inheritdoc/>
    public void Scored(ScoreReport score)
    {
        string what = score.What == ScoredRows.Train ? "epoch" : "test";
        EventValues values = new EventValues()
            .Scalar($"{what}/logloss", score.Quality.Logloss)
            .Scalar($"{what}/auc", score.Quality.Auc)
            .Scalar($"{what}/group_auc", score.Quality.Groups?.Auc);
        foreach (TableNorms table in score.Norms)
        {
            values.Histogram($"row_norms/{table.Table}", table.Norms);
        }

        file.Add(score.Step, values);
    }

    /// <inheritdoc/>
    public void TrainingEnds(TrainingResult result, IReadOnlyList<PhaseTotal> phases)
    {
    }

    /// <inheritdoc/>
    public void Dispose() => file.Dispose();
}
