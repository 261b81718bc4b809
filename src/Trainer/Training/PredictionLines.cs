using System.Globalization;
using OpenEmbedding.Collectives;

namespace OpenEmbedding.Trainer.Training;

/// <summary>The probabilities of rows that are dealt to the trainers batch by batch, a line each in the order of the rows.</summary>
/// <param name="trainers">All trainers; each writes its batches in turn with the others.</param>
/// <param name="stream">Takes all lines; on each trainer the same.</param>
internal sealed class PredictionLines(ProcessSet trainers, Stream stream)
{
    private const float HasBatch = 1;
    private readonly byte[] _line = new byte[32];
    private float[] _mine = [];

    /// <summary>Writes the next batch of this trainer, and what the others wrote with it.</summary>
    /// <param name="logits">The batch, also an empty one.</param>
    public void Write(ReadOnlySpan<float> logits)
    {
        if (_mine.Length <= logits.Length)
        {
            _mine = new float[logits.Length + 1];
        }

        _mine[0] = HasBatch;
        logits.CopyTo(_mine.AsSpan(1));
        Gather(_mine.AsSpan(0, logits.Length + 1));
    }

    /// <summary>Takes part until no trainer has a batch left.</summary>
    public void Finish()
    {
        while (Gather([]))
        {
        }
    }

    /// <summary>The probability of a logit, in the fewest digits that give the same float32.</summary>
    internal static int Format(float logit, Span<byte> line)
    {
        float probability = (float)(1 / (1 + Math.Exp(-logit)));
        _ = probability.TryFormat(line, out int length, provider: CultureInfo.InvariantCulture);
        line[length] = (byte)'\n';
        return length + 1;
    }

    /// <returns>Whether any trainer had a batch.</returns>
    private bool Gather(ReadOnlySpan<float> mine)
    {
        ReadOnlySpan<float> all = trainers.AllGather(mine, out long[] counts, "predictions");
        foreach (long count in counts)
        {
            foreach (float logit in all[..(int)count][(int)Math.Min(count, 1)..])
            {
                stream.Write(_line.AsSpan(0, Format(logit, _line)));
            }

            all = all[(int)count..];
        }

        return Array.Exists(counts, count => count > 0);
    }
}
