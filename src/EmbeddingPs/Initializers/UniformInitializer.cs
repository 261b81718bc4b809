using System.Numerics;

namespace OpenEmbedding.EmbeddingPs.Initializers;

/// <summary>Uniform over [minimum, maximum).</summary>
internal sealed unsafe class UniformInitializer<T>(ulong tableSeed, double minimum, double maximum) : RowInitializer
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private readonly double _range = maximum - minimum;

    public override void Fill(long key, nint weights, int dimension)
    {
        // The caller gives room for the row.
        T* row = (T*)weights;
        var random = new CounterRandom(tableSeed, key);
        for (int i = 0; i < dimension; i++)
        {
            row[i] = T.CreateTruncating(minimum + _range * random.Uniform((ulong)i));
        }
    }
}
