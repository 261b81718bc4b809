using System.Numerics;

namespace OpenEmbedding.Collectives;

/// <summary>The elements with which a rank takes part in a reduction without changing it; zeros for a sum and an average.</summary>
internal static unsafe class NeutralElement
{
    internal static void Fill(nint data, long count, ElementType type, ReduceOperation operation)
    {
        switch (type)
        {
            case ElementType.UInt8:
                Fill(data, count, Of<byte>(operation, byte.MinValue, byte.MaxValue));
                break;
            case ElementType.Int32:
                Fill(data, count, Of(operation, int.MinValue, int.MaxValue));
                break;
            case ElementType.Int64:
                Fill(data, count, Of(operation, long.MinValue, long.MaxValue));
                break;
            case ElementType.Float16:
                Fill(data, count, Of(operation, Half.NegativeInfinity, Half.PositiveInfinity));
                break;
            case ElementType.BFloat16:
                Fill(data, count, (BFloat16)Of(operation, float.NegativeInfinity, float.PositiveInfinity));
                break;
            case ElementType.Float32:
                Fill(data, count, Of(operation, float.NegativeInfinity, float.PositiveInfinity));
                break;
            default:
                Fill(data, count, Of(operation, double.NegativeInfinity, double.PositiveInfinity));
                break;
        }
    }

    private static T Of<T>(ReduceOperation operation, T least, T greatest)
        where T : INumber<T> => operation switch
        {
            ReduceOperation.Min => greatest,
            ReduceOperation.Max => least,
            ReduceOperation.Product => T.One,
            _ => T.Zero,
        };

    private static void Fill<T>(nint data, long count, T value)
        where T : unmanaged
    {
        for (var element = (T*)data; element < (T*)data + count; element++)
        {
            *element = value; // the caller's buffer holds count elements
        }
    }
}
