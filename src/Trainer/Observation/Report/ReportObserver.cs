using OpenEmbedding.Collectives;
using OpenEmbedding.EmbeddingPs.Checkpoints;
using OpenEmbedding.Trainer.Configuration;
using OpenEmbedding.Trainer.Data;
using OpenEmbedding.Trainer.Training;

namespace OpenEmbedding.Trainer.Observation.Report;

/// <summary>Gathers what a job did and writes it as one HTML file at its end.</summary>
internal sealed class ReportObserver(JobOptions job, int trainers) : IJobObserver
{
    private const int MostPoints = 1000;
    private const int CountedSamples = 64;
    private readonly StepWindow _window = new(job.Output.CurveEvery);
    private readonly SparseSlots _slots = new(job.Data.Sparse);
    private readonly HotKeys _hotKeys = new(new SparseSlots(job.Data.Sparse));
    private readonly List<ScoreReport> _scores = [];
    private List<CurvePoint> _points = [];

    /// <inheritdoc/>
    public string? Announcement => null;

    /// <inheritdoc/>
    public void StepEnded(in StepReport step)
    {
        _hotKeys.Add(step.Ids.Span[..Math.Min(step.Ids.Length, CountedSamples * _slots.Count)]);
        if (_window.Add(step) is { } point)
        {
            _points.Add(point);
            if (_points.Count > MostPoints)
            {
                _points = [.. _points.Where((_, i) => i % 2 == 1)];
            }
        }
    }

    /// <inheritdoc/>
    public void Scored(ScoreReport score)
    {
        if (_scores.Count > 0)
        {
            // Only the last tables are shown.
            _scores[^1] = _scores[^1] with { Tables = [], Norms = [] };
        }

        _scores.Add(score);
    }

    /// <inheritdoc/>
    public void TrainingEnds(TrainingResult result, IReadOnlyList<PhaseTotal> phases) =>
        WholeFile.Write(job.Output.Report!, stream => stream.Write(ReportPage.Draw(job, trainers, result, _points, _scores, _hotKeys, phases)));

    /// <inheritdoc/>
    public void Dispose()
    {
    }
}
