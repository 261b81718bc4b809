using System.Numerics;

namespace OpenEmbedding.EmbeddingPs.Initializers;

/// <summary>Every weight the same.</summary>
internal sealed unsafe class ConstantInitializer<T>(double value) : RowInitializer
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private readonly T _value = T.CreateTruncating(value);

    public override void Fill(long key, nint weights, int dimension)
    {
        // The caller gives room for the row.
        new Span<T>((void*)weights, dimension).Fill(_value);
    }
}
