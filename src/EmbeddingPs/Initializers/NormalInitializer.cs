using System.Numerics;
using System.Runtime.Intrinsics;

namespace OpenEmbedding.EmbeddingPs.Initializers;

/// <summary>Normal by Box and Muller; values farther from the mean than <paramref name="bound"/> standard deviations are drawn again.</summary>
internal sealed unsafe class NormalInitializer<T>(ulong tableSeed, double mean, double stddev, double bound) : RowInitializer
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    // A block of elements shares as many draws, whatever the dimension.
    private const int Block = 8;

    // Redraws take positions far behind those of any row's first draws.
    private const ulong RedrawStride = 1UL << 32;

    public override void Fill(long key, nint weights, int dimension)
    {
        // The caller gives room for the row.
        T* row = (T*)weights;
        var random = new CounterRandom(tableSeed, key);
        double* deviates = stackalloc double[Block];
        for (int start = 0; start < dimension; start += Block)
        {
            Draw(random, (ulong)start, deviates);
            for (int i = 0; i < Math.Min(Block, dimension - start); i++)
            {
                double deviate = Math.Abs(deviates[i]) <= bound ? deviates[i] : Redraw(random, (ulong)(start + i));
                row[start + i] = T.CreateTruncating(mean + stddev * deviate);
            }
        }
    }

    /// <summary>Writes one block of standard normal deviates.</summary>
    private static void Draw(CounterRandom random, ulong position, double* deviates)
    {
        var first = Uniforms(random, position);
        var second = Uniforms(random, position + Block / 2);

        // 1 − u is in (0, 1], so the logarithm is finite.
        var radius = Vector256.Sqrt(Vector256.Log(Vector256<double>.One - first) * -2);
        var (sine, cosine) = Vector256.SinCos(second * (2 * Math.PI));
        (radius * cosine).Store(deviates);
        (radius * sine).Store(deviates + Block / 2);
    }

    private static Vector256<double> Uniforms(CounterRandom random, ulong position)
    {
        return Vector256.Create(
            random.Uniform(position), random.Uniform(position + 1), random.Uniform(position + 2), random.Uniform(position + 3));
    }

    private double Redraw(CounterRandom random, ulong position)
    {
        double* deviates = stackalloc double[Block];
        for (ulong draw = 1; ; draw++)
        {
            Draw(random, draw * RedrawStride + Block * position, deviates);
            for (int i = 0; i < Block; i++)
            {
                if (Math.Abs(deviates[i]) <= bound)
                {
                    return deviates[i];
                }
            }
        }
    }
}
