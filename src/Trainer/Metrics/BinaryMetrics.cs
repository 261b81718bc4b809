namespace OpenEmbedding.Trainer.Metrics;

/// <summary>Log-loss and area under the ROC curve of a binary classifier, gathered batch by batch and over ranks.</summary>
/// <remarks>
/// <para>
/// Scores are logits, not probabilities: the loss stays exact where a sigmoid would round to 0 or 1, and nothing needs to be clipped. The
/// area equals the exact one (ties count half) to 1e-4; the error only grows when most scores lie within a few thousandths of each other in
/// ratio.
/// </para>
/// <para>
/// To merge ranks, sum <see cref="Counts"/> and <see cref="Sums"/> element by element, for instance with an all-reduce in place; every rank
/// then holds the metrics of all samples. Not thread-safe.
/// </para>
/// </remarks>
public sealed class BinaryMetrics
{
    private readonly long[] _counts = new long[ScoreHistogram.Bins * ScoreHistogram.CellsPerBin];
    private readonly double[] _sums = new double[1];

    /// <summary>The histogram of the scores: whole numbers whose sum over ranks is the histogram of all their samples (8 MiB).</summary>
    public Span<long> Counts => _counts;

    /// <summary>The sum of the losses, in nats, as an array of one.</summary>
    public Span<double> Sums => _sums;

    /// <summary>The number of samples added.</summary>
    public long Count
    {
        get
        {
            long count = 0;
            for (int cell = 0; cell < _counts.Length; cell += ScoreHistogram.CellsPerBin)
            {
                count += _counts[cell] + _counts[cell + 1];
            }

            return count;
        }
    }

    /// <summary>The mean loss −ln p(label), in nats; NaN without samples or after a logit that is NaN.</summary>
    public double LogLoss => _sums[0] / Count;

    /// <summary>The area under the ROC curve, from 0 to 1; NaN when only one class came or a logit was NaN.</summary>
    public double Auc => double.IsNaN(_sums[0]) ? double.NaN : ScoreHistogram.AreaUnderCurve(_counts);

    /// <summary>Adds samples.</summary>
    /// <param name="logits">Scores before the sigmoid.</param>
    /// <param name="labels">As many labels from 0 to 1; above 0.5 counts as positive in the area.</param>
    public void Add(ReadOnlySpan<float> logits, ReadOnlySpan<float> labels)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(labels.Length, logits.Length);
        Span<long> cells = _counts;
        double loss = 0;
        for (int i = 0; i < logits.Length; i++)
        {
            ScoreHistogram.Add(cells, logits[i], labels[i] > 0.5f);
            loss += Loss(logits[i], labels[i]);
        }

        _sums[0] += loss;
    }

    /// <summary>Forgets all samples.</summary>
    public void Reset()
    {
        Array.Clear(_counts);
        Array.Clear(_sums);
    }

    /// <summary>−y·ln σ(x) − (1−y)·ln(1−σ(x)), written so that no intermediate overflows.</summary>
    private static double Loss(double logit, double label) =>
        Math.Max(logit, 0) - (logit * label) + Logarithm.OnePlus(Math.Exp(-Math.Abs(logit)));
}
