using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace OpenEmbedding.Collectives;

/// <summary>Loops that convert between float32 or float64 and a type of 16 bits; source and destination must not overlap.</summary>
public static unsafe class NarrowConversion
{
    private const int Lanes = 8;

    /// <summary>Writes numbers times <paramref name="scale"/> as a type of 16 bits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Narrow<TType>(float* source, ushort* destination, long count, float scale)
        where TType : struct, INarrowType
    {
        if (count < Lanes)
        {
            for (long i = 0; i < count; i++)
            {
                destination[i] = (ushort)TType.Narrow(Vector256.CreateScalar(source[i] * scale)).ToScalar();
            }

            return;
        }

        // The last eight may overlap those before, which saves a loop for the rest.
        long last = count - Lanes;
        for (long i = 0; i < last; i += Lanes)
        {
            Store(TType.Narrow(Vector256.Load(source + i) * scale), destination + i);
        }

        Store(TType.Narrow(Vector256.Load(source + last) * scale), destination + last);
    }

    /// <summary>Writes numbers times <paramref name="scale"/> as a type of 16 bits, rounded once.</summary>
    public static void Narrow<TType>(double* source, ushort* destination, long count, float scale)
        where TType : struct, INarrowType
    {
        for (long i = 0; i < count; i++)
        {
            destination[i] = (ushort)TType.Narrow(Vector256.CreateScalar(RoundToOdd(source[i] * scale))).ToScalar();
        }
    }

    /// <summary>Writes numbers of 16 bits times <paramref name="scale"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Widen<TType>(ushort* source, float* destination, long count, float scale)
        where TType : struct, INarrowType
    {
        if (count < Lanes)
        {
            for (long i = 0; i < count; i++)
            {
                destination[i] = TType.Widen(Vector256.CreateScalar((uint)source[i])).ToScalar() * scale;
            }

            return;
        }

        long last = count - Lanes;
        for (long i = 0; i < last; i += Lanes)
        {
            (TType.Widen(Load(source + i)) * scale).Store(destination + i);
        }

        (TType.Widen(Load(source + last)) * scale).Store(destination + last);
    }

    /// <summary>Writes numbers of 16 bits times <paramref name="scale"/>.</summary>
    public static void Widen<TType>(ushort* source, double* destination, long count, float scale)
        where TType : struct, INarrowType
    {
        for (long i = 0; i < count; i++)
        {
            destination[i] = (double)TType.Widen(Vector256.CreateScalar((uint)source[i])).ToScalar() * scale;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(Vector256<uint> bits, ushort* destination) =>
        Vector128.Narrow(bits.GetLower(), bits.GetUpper()).Store(destination);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<uint> Load(ushort* source)
    {
        var (lower, upper) = Vector128.Widen(Vector128.Load(source));
        return Vector256.Create(lower, upper);
    }

    // Of the two neighbours in float32 the one with an odd last bit: no tie of the narrower type, so that the second rounding is the only one.
    private static float RoundToOdd(double value)
    {
        float nearest = (float)value;
        if (nearest == value || double.IsNaN(value))
        {
            return nearest;
        }

        uint bits = BitConverter.SingleToUInt32Bits(nearest);
        if (Math.Abs((double)nearest) > Math.Abs(value))
        {
            bits--;
        }

        return BitConverter.UInt32BitsToSingle(bits | 1);
    }
}
