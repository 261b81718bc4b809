namespace OpenEmbedding.Trainer.Tests.Metrics;

/// <summary>The area under the ROC curve by sorting, ties counted half: the reference for the histogram.</summary>
internal static class ExactAuc
{
    public static double Of(float[] scores, float[] labels)
    {
        int[] order = [.. Enumerable.Range(0, scores.Length).OrderBy(i => scores[i])];
        double ordered = 0, below = 0, positivesTotal = 0;
        for (int first = 0; first < order.Length;)
        {
            double positives = 0, negatives = 0;
            int next = first;
            for (; next < order.Length && scores[order[next]] == scores[order[first]]; next++)
            {
                if (labels[order[next]] > 0.5f)
                {
                    positives++;
                }
                else
                {
                    negatives++;
                }
            }

            ordered += positives * (below + (negatives / 2));
            below += negatives;
            positivesTotal += positives;
            first = next;
        }

        return ordered / (positivesTotal * below);
    }
}
