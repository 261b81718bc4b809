namespace OpenEmbedding.Trainer.Data;

/// <summary>Draws rows shaped like Criteo's; row i depends on the seed and i only.</summary>
/// <remarks>
/// The hidden model and the names of the categories are the same for every seed, so a file of another seed is a test set. The logit is a
/// linear function of the logarithms of the counts and of a weight per category, which fades for rare ones, plus products of factors of
/// three pairs of columns, which only a model with interactions can learn.
/// </remarks>
/// <param name="seed">Which rows.</param>
/// <param name="columns">The sparse columns; left out, those of Criteo.</param>
internal sealed class CriteoSampler(long seed, IReadOnlyList<CriteoShape.SparseColumn>? columns = null)
{
    private const double Bias = -1.45;
    private const double DenseEffect = 0.22;
    private const double SparseEffect = 0.36;
    private const double PairEffect = 0.5;
    private const double FadingRank = 3000;

    private static readonly (int First, int Second)[] _pairs = [(0, 10), (6, 13), (1, 16)];

    private readonly ulong _seed = Mix(unchecked((ulong)seed) + 0x5851F42D4C957F2D);
    private readonly double[] _empty = new double[CriteoShape.EmptyGroups];
    private readonly IReadOnlyList<CriteoShape.SparseColumn> _sparse = columns ?? CriteoShape.Sparse;
    private readonly CategoryNames[] _names =
        [.. Enumerable.Range(0, CriteoRow.SparseColumns).Select(i => columns is null ? CategoryNames.Hashed(i) : CategoryNames.Within(columns[i].Cardinality))];

    private readonly ulong[] _hashes = new ulong[CriteoRow.SparseColumns];
    private ulong _state;

    /// <summary>Draws a row.</summary>
    public void Draw(long row, CriteoSample sample)
    {
        _state = Mix(_seed ^ unchecked((ulong)row * 0x9E3779B97F4A7C15));
        for (int group = 0; group < _empty.Length; group++)
        {
            _empty[group] = Uniform();
        }

        double logit = Bias + DrawDense(sample.Dense) + DrawSparse(sample.Sparse);
        foreach ((int first, int second) in _pairs)
        {
            // Rotated, the hash gives a factor that has nothing to do with the weight.
            logit += PairEffect * Normal(ulong.RotateRight(_hashes[first], 8)) * Normal(ulong.RotateRight(_hashes[second], 8));
        }

        sample.Logit = logit;
        sample.IsPositive = Uniform() < 1 / (1 + Math.Exp(-logit));
    }

    /// <summary>The finalizer of SplitMix64: a bijection without visible structure.</summary>
    private static ulong Mix(ulong x)
    {
        x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9;
        x = (x ^ (x >> 27)) * 0x94D049BB133111EB;
        return x ^ (x >> 31);
    }

    /// <summary>A nearly normal number of mean 0 and deviation 1: the sum of four uniform ones.</summary>
    private static double Normal(ulong hash)
    {
        ulong sum = (hash & 0xFFFF) + ((hash >> 16) & 0xFFFF) + ((hash >> 32) & 0xFFFF) + (hash >> 48);
        return ((sum / 65536.0) - 2) * 1.7320508;
    }

    private double DrawDense(int[] dense)
    {
        double effect = 0;
        double spare = 0;
        for (int i = 0; i < dense.Length; i++)
        {
            CriteoShape.DenseColumn column = CriteoShape.Dense[i];
            double normal;
            if (i % 2 == 0)
            {
                // Box and Muller's pair of normal numbers serves two columns.
                double radius = Math.Sqrt(-2 * Math.Log(1 - Uniform()));
                (double sine, double cosine) = Math.SinCos(2 * Math.PI * Uniform());
                normal = radius * cosine;
                spare = radius * sine;
            }
            else
            {
                normal = spare;
            }

            if (_empty[column.EmptyGroup] < column.EmptyShare)
            {
                dense[i] = CriteoSample.EmptyCount;
                continue;
            }

            double count = Math.Floor(column.Median * Math.Exp(column.Sigma * normal));
            dense[i] = (int)Math.Min(column.Maximum, count + column.Minimum);
            double direction = (i % 3) - 1 == 0 ? -1 : 1;
            effect += direction * DenseEffect * Math.Clamp(normal, -3, 3);
        }

        return effect;
    }

    private double DrawSparse(long[] sparse)
    {
        double effect = 0;
        for (int i = 0; i < sparse.Length; i++)
        {
            CriteoShape.SparseColumn column = _sparse[i];
            double uniform = Uniform();
            uint rank = 0;
            if (_empty[column.EmptyGroup] < column.EmptyShare)
            {
                sparse[i] = RowFile.EmptyCategory;
            }
            else
            {
                // The inverse of the distribution with density x^−skew on [1, cardinality + 1).
                double x = Math.Pow(1 + (uniform * column.TailMinusOne), 1 / (1 - column.Skew));
                rank = (uint)Math.Clamp(x, 1, column.Cardinality);
                sparse[i] = _names[i].Of(rank);
            }

            _hashes[i] = Mix((((ulong)i + 1) << 32) | rank);
            effect += SparseEffect * Normal(_hashes[i]) * (FadingRank / (FadingRank + rank));
        }

        return effect;
    }

    private double Uniform()
    {
        _state += 0x9E3779B97F4A7C15;
        return (Mix(_state) >> 11) * (1.0 / (1UL << 53));
    }
}
