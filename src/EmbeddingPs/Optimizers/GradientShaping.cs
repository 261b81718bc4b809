using System.Numerics;

namespace OpenEmbedding.EmbeddingPs.Optimizers;

/// <summary>What a gradient goes through before the rule sees it: 2 · L2 · w is added, then it is clipped by value, then by norm.</summary>
/// <param name="L2">The strength of the regularization; 0: none.</param>
/// <param name="ClipValue">The largest magnitude of an element, above 0; null: any.</param>
/// <param name="ClipNorm">The largest L2 norm of a row, or of a dense parameter, above 0: a longer one is scaled down to it; null: any.</param>
public readonly record struct GradientShaping(double L2, double? ClipValue = null, double? ClipNorm = null)
{
    /// <summary>Whether gradients go as they are.</summary>
    public bool IsNone => L2 == 0 && !Clips;

    /// <summary>Whether gradients are clipped.</summary>
    public bool Clips => ClipValue is not null || ClipNorm is not null;

    /// <summary>Clips a gradient in place.</summary>
    public void Clip<T>(Span<T> gradient)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        if (ClipValue is { } value)
        {
            T limit = T.CreateChecked(value);
            foreach (ref T element in gradient)
            {
                element = T.Clamp(element, -limit, limit);
            }
        }

        if (ClipNorm is { } norm)
        {
            double squares = 0;
            foreach (T element in gradient)
            {
                double wide = double.CreateTruncating(element);
                squares += wide * wide;
            }

            if (squares > norm * norm)
            {
                T scale = T.CreateTruncating(norm / Math.Sqrt(squares));
                foreach (ref T element in gradient)
                {
                    element *= scale;
                }
            }
        }
    }
}
