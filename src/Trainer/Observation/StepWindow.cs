namespace OpenEmbedding.Trainer.Observation;

/// <summary>Makes points of curves from steps: a point for every so many of them.</summary>
/// <param name="every">Steps between two points.</param>
internal sealed class StepWindow(int every)
{
    private StepReport? _last;

    /// <summary>Takes a step.</summary>
    /// <returns>The point that ends here, null when none does.</returns>
    public CurvePoint? Add(in StepReport step)
    {
        if (_last is not { } last)
        {
            _last = step;
            return null;
        }

        if (step.Step - last.Step < every)
        {
            return null;
        }

        _last = step;
        bool sameEpoch = step.Epoch == last.Epoch;
        double loss = step.LossSum - (sameEpoch ? last.LossSum : 0);
        long samples = step.LossSamples - (sameEpoch ? last.LossSamples : 0);
        double seconds = step.Seconds - last.Seconds;
        return new CurvePoint(
            step.Step, samples > 0 ? loss / samples : null, seconds > 0 ? (step.Samples - last.Samples) / seconds : 0, step.RateFactor);
    }
}

/// <summary>A point of the curves.</summary>
/// <param name="Step">The last step of the point.</param>
/// <param name="Loss">The mean log-loss since the point before, in nats, or since the epoch began; null without samples.</param>
/// <param name="SamplesPerSecond">Samples of all trainers in a second since the point before.</param>
/// <param name="RateFactor">What multiplied the learning rates in the last step.</param>
internal readonly record struct CurvePoint(long Step, double? Loss, double SamplesPerSecond, double RateFactor);
