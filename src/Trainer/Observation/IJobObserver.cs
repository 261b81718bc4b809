using OpenEmbedding.Collectives;
using OpenEmbedding.Trainer.Training;

namespace OpenEmbedding.Trainer.Observation;

/// <summary>Shows what a job does while it trains; on the first trainer only, and on its training thread.</summary>
internal interface IJobObserver : IDisposable
{
    /// <summary>A line for the beginning of the log; null for none.</summary>
    string? Announcement { get; }

    /// <summary>A step ended.</summary>
    void StepEnded(in StepReport step);

    /// <summary>Samples were scored: those of a whole epoch, or the test rows.</summary>
    void Scored(ScoreReport score);

    /// <summary>No step comes any more.</summary>
    /// <param name="result">What was trained.</param>
    /// <param name="phases">How long the phases of the first trainer took; empty where no observer needs them.</param>
    void TrainingEnds(TrainingResult result, IReadOnlyList<PhaseTotal> phases);
}
