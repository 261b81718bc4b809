using System.Numerics;

namespace OpenEmbedding.EmbeddingPs.Optimizers;

/// <summary>Some neighbouring elements handled as one value, so that a rule is written once and runs both vectorised and element by element.</summary>
/// <remarks>Every operation is rounded as IEEE 754 says, without fused multiply-add, so all widths give the same bits.</remarks>
internal unsafe interface ILane<TSelf, T>
    where TSelf : struct, ILane<TSelf, T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    /// <summary>Reads the elements at <paramref name="source"/>, of any alignment.</summary>
    static abstract TSelf Load(T* source);

    /// <summary>The same value in every element.</summary>
    static abstract TSelf Of(T value);

    static abstract TSelf operator +(TSelf left, TSelf right);

    static abstract TSelf operator -(TSelf left, TSelf right);

    static abstract TSelf operator *(TSelf left, TSelf right);

    static abstract TSelf operator /(TSelf left, TSelf right);

    static abstract TSelf Sqrt(TSelf value);

    static abstract TSelf Abs(TSelf value);

    static abstract TSelf Max(TSelf left, TSelf right);

    static abstract TSelf Min(TSelf left, TSelf right);

    static abstract TSelf Pow(TSelf value, T exponent);

    /// <summary>Writes the elements to <paramref name="destination"/>, of any alignment.</summary>
    void Store(T* destination);
}
