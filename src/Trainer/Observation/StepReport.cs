using OpenEmbedding.EmbeddingPs.Client;

namespace OpenEmbedding.Trainer.Observation;

/// <summary>Where training is behind a step.</summary>
/// <param name="Step">Steps so far, over all epochs and with those of the checkpoint that was loaded.</param>
/// <param name="Epoch">The epoch, from 1.</param>
/// <param name="Samples">Samples of all trainers so far, likewise.</param>
/// <param name="LossSum">The sum of the log-losses of this epoch, in nats, of all trainers up to the step before this one.</param>
/// <param name="LossSamples">The samples in that sum.</param>
/// <param name="RateFactor">What multiplied the learning rates in this step.</param>
/// <param name="Seconds">Time of training in this job, without tests.</param>
/// <param name="RowsPulled">Distinct keys in this step's batch of the first trainer.</param>
/// <param name="Traffic">Bytes of the first trainer so far.</param>
internal readonly record struct StepReport(
    long Step, int Epoch, long Samples, double LossSum, long LossSamples, double RateFactor, double Seconds, int RowsPulled, TrafficCounters Traffic)
{
    /// <summary>Keys of some samples of the first trainer, [samples, columns]; until the next step.</summary>
    public ReadOnlyMemory<long> Ids { get; init; }
}
