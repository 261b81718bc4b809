using OpenEmbedding.Collectives;
using OpenEmbedding.Trainer.Observation;

namespace OpenEmbedding.Trainer.Training;

/// <content>What observers are told; on the first trainer, where the configuration asks for any.</content>
internal sealed partial class TrainingJob
{
    private readonly JobObservers? _observers;
    private readonly PhaseTotals? _phases;
    private readonly RowSample _rowSample;

    /// <summary>Tells of a step, before its samples are counted among those of the epoch.</summary>
    private void ObserveStep(double rateFactor, int rowsPulled) => _observers?.StepEnded(new StepReport(
        _stepsDone, _epoch, _samples, _agreement.GlobalLoss, _samplesOfEpoch, rateFactor, _clock.Elapsed.TotalSeconds, rowsPulled, _store.Traffic)
    {
        Ids = _rowSample.Ids,
    });

    private void ObserveScore(int epoch, ScoredRows what, Quality quality) => _observers?.Scored(
        new ScoreReport(_stepsDone, epoch, what, quality, _rowSample.Norms(_store, StoreStep), _store.GetStatistics()));
}
