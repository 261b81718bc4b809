using OpenEmbedding.Trainer.Configuration;
using static TorchSharp.torch;

namespace OpenEmbedding.Trainer.Training;

/// <summary>What a step makes small: the log-loss of the samples, weighted by class, and the activity regularization of their embeddings.</summary>
internal sealed class TrainingLoss(JobOptions job)
{
    private readonly double _negative = job.Train.NegativeWeight;
    private readonly double _positive = job.Train.PositiveWeight;
    private readonly double _l1 = job.Model.ActivityL1;
    private readonly double _l2 = job.Model.ActivityL2;

    /// <summary>The sum over the samples at hand divided by the samples of the global batch, in nats, [].</summary>
    /// <param name="logits">[rows].</param>
    /// <param name="inputs">Labels and embeddings of the rows.</param>
    /// <param name="globalRows">Samples of the global batch.</param>
    public Tensor Of(Tensor logits, IDensePart inputs, long globalRows)
    {
        Tensor? weights = _positive == 1 && _negative == 1 ? null : (inputs.Labels * (_positive - _negative)) + _negative;
        Tensor sum = nn.functional.binary_cross_entropy_with_logits(logits, inputs.Labels, weights, nn.Reduction.Sum);
        if (inputs.Embeddings is { } embeddings)
        {
            if (_l1 > 0)
            {
                sum += embeddings.abs().sum() * _l1;
            }

            if (_l2 > 0)
            {
                sum += embeddings.square().sum() * _l2;
            }
        }

        return sum / globalRows;
    }
}
