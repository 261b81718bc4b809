using CsCheck;

namespace OpenEmbedding.Collectives.Tests;

/// <summary>The vector conversions against the scalar ones of <see cref="Half"/> and <see cref="BFloat16"/>.</summary>
public sealed unsafe class NarrowConversionTests
{
    private const int Patterns = 1 << 16;

    private static readonly Gen<float> _anyBits = Gen.UInt.Select(BitConverter.UInt32BitsToSingle);

    [Fact]
    public void Every_half_is_widened_exactly() => AssertWidens<Float16Type>(bits => (float)BitConverter.UInt16BitsToHalf(bits));

    [Fact]
    public void Every_bfloat_is_widened_exactly() => AssertWidens<BFloat16Type>(bits => (float)new BFloat16(bits));

    [Fact]
    public void Every_half_and_what_lies_between_two_is_narrowed_to_the_nearest() =>
        AssertNarrows<Float16Type>(Neighbourhoods(bits => (float)BitConverter.UInt16BitsToHalf(bits)), ToHalf);

    [Fact]
    public void Every_bfloat_and_what_lies_between_two_is_narrowed_to_the_nearest() =>
        AssertNarrows<BFloat16Type>(Neighbourhoods(bits => (float)new BFloat16(bits)), ToBFloat);

    [Fact]
    public void Any_floats_of_any_number_are_narrowed_to_the_nearest() => Gen.OneOf(_anyBits, Gen.Float).Array[0, 40].Sample(values =>
    {
        AssertNarrows<Float16Type>(values, ToHalf);
        AssertNarrows<BFloat16Type>(values, ToBFloat);
    });

    [Fact]
    public void Any_doubles_are_rounded_once() => Gen.OneOf(Gen.Double, Gen.Double[-1e5, 1e5], Gen.Double[-1e-7, 1e-7], BetweenHalves()).Array[0, 40].Sample(values =>
    {
        AssertNarrows<Float16Type>(values, value => Math.Abs(value) > 65504 && double.IsFinite(value) ? ToHalf((float)Math.CopySign(65504, value)) : Bits((Half)value));
        AssertNarrows<BFloat16Type>(values, NearestBFloat);
    });

    [Theory]
    [InlineData(65504f, 65504f)]
    [InlineData(65519f, 65504f)]
    [InlineData(65520f, 65504f)]
    [InlineData(-1e30f, -65504f)]
    [InlineData(float.MaxValue, 65504f)]
    [InlineData(float.PositiveInfinity, float.PositiveInfinity)]
    [InlineData(float.NegativeInfinity, float.NegativeInfinity)]
    [InlineData(float.NaN, float.NaN)]
    [InlineData(5.9e-8f, 5.9604645e-8f)]
    [InlineData(2.9802322e-8f, 0f)]
    public void What_is_too_large_for_float16_becomes_its_largest_number_and_infinity_stays(float value, float expected) =>
        Assert.Equal(expected, (float)BitConverter.UInt16BitsToHalf(Narrow<Float16Type>([value], 1)[0]));

    [Theory]
    [InlineData(float.MaxValue, 0x7F7F)]
    [InlineData(-float.MaxValue, 0xFF7F)]
    [InlineData(float.PositiveInfinity, 0x7F80)]
    public void What_is_too_large_for_bfloat16_becomes_its_largest_number_and_infinity_stays(float value, int bits) =>
        Assert.Equal(bits, Narrow<BFloat16Type>([value], 1)[0]);

    [Fact]
    public void A_scale_is_applied_before_rounding_and_taken_back_after_widening()
    {
        float[] values = [1e-6f, -3e-7f, 0.5f, 2, 3, 4, 5, 6, 7, 1e-9f];
        ushort[] bits = Narrow<Float16Type>(values, 1024);
        Assert.Equal([.. values.Select(value => Bits((Half)(value * 1024)))], bits);
        float[] wide = new float[values.Length];
        fixed (ushort* source = bits)
        fixed (float* destination = wide)
        {
            NarrowConversion.Widen<Float16Type>(source, destination, wide.Length, 1 / 1024f);
        }

        Assert.Equal([.. bits.Select(pattern => (float)BitConverter.UInt16BitsToHalf(pattern) / 1024)], wide);
    }

    private static ushort Bits(Half value) => BitConverter.HalfToUInt16Bits(value);

    private static ushort ToHalf(float value) =>
        Bits(Math.Abs(value) > 65504 && float.IsFinite(value) ? (Half)MathF.CopySign(65504, value) : (Half)value);

    private static ushort ToBFloat(float value)
    {
        ushort bits = ((BFloat16)value).Bits;
        return float.IsFinite(value) && (bits & 0x7FFF) == 0x7F80 ? (ushort)(bits - 1) : bits;
    }

    // Of the two neighbours the nearer one, of two as near the even one.
    private static ushort NearestBFloat(double value)
    {
        if (!double.IsFinite(value))
        {
            return ((BFloat16)(float)value).Bits;
        }

        ushort sign = (ushort)(double.IsNegative(value) ? 0x8000 : 0);
        double magnitude = Math.Abs(value);
        ushort below = (ushort)(BitConverter.SingleToUInt32Bits((float)Math.Min(magnitude, 3.3895313892515355e38)) >> 16);
        while (below > 0 && (float)new BFloat16(below) > magnitude)
        {
            below--;
        }

        ushort above = (ushort)(below == 0x7F7F ? below : below + 1);
        double lower = magnitude - (float)new BFloat16(below);
        double upper = Math.Abs((float)new BFloat16(above) - magnitude);
        return (ushort)(sign | (lower < upper || (lower == upper && below % 2 == 0) ? below : above));
    }

    // Numbers at and very near the middle of two halves, where rounding by way of float32 would go wrong.
    private static Gen<double> BetweenHalves() => Gen.Select(Gen.Int[0, 0x7BFE], Gen.Int[-1, 1]).Select((bits, side) =>
    {
        double middle = ((double)(float)BitConverter.UInt16BitsToHalf((ushort)bits) + (float)BitConverter.UInt16BitsToHalf((ushort)(bits + 1))) / 2;
        return side == 0 ? middle : side < 0 ? Math.BitDecrement(middle) : Math.BitIncrement(middle);
    });

    private static float[] Neighbourhoods(Func<ushort, float> widen) =>
    [
        .. Enumerable.Range(0, Patterns).SelectMany(bits =>
        {
            float value = widen((ushort)bits);
            float middle = (value + widen((ushort)(bits ^ 1))) / 2;
            float next = (value + widen((ushort)Math.Min(bits + 1, Patterns - 1))) / 2;
            return (float[])
            [
                value, MathF.BitIncrement(value), MathF.BitDecrement(value), middle, MathF.BitIncrement(middle), MathF.BitDecrement(middle),
                next, MathF.BitIncrement(next), MathF.BitDecrement(next),
            ];
        }),
    ];

    private static void AssertWidens<TType>(Func<ushort, float> expected)
        where TType : struct, INarrowType
    {
        ushort[] bits = [.. Enumerable.Range(0, Patterns).Select(pattern => (ushort)pattern)];
        float[] wide = new float[Patterns];
        double[] wider = new double[Patterns];
        fixed (ushort* source = bits)
        fixed (float* destination = wide)
        fixed (double* other = wider)
        {
            // Short runs take another path than long ones.
            NarrowConversion.Widen<TType>(source, destination, 3, 1);
            NarrowConversion.Widen<TType>(source + 3, destination + 3, 13, 1);
            NarrowConversion.Widen<TType>(source + 16, destination + 16, Patterns - 16, 1);
            NarrowConversion.Widen<TType>(source, other, Patterns, 1);
        }

        for (int pattern = 0; pattern < Patterns; pattern++)
        {
            Assert.Equal(expected((ushort)pattern), wide[pattern]);
            Assert.Equal(expected((ushort)pattern), (float)wider[pattern]);
            Assert.Equal(pattern >> 15 != 0, float.IsNegative(wide[pattern]));
        }
    }

    private static void AssertNarrows<TType>(float[] values, Func<float, ushort> expected)
        where TType : struct, INarrowType
    {
        ushort[] narrow = Narrow<TType>(values, 1);
        for (int i = 0; i < values.Length; i++)
        {
            AssertSame<TType>(expected(values[i]), narrow[i], values[i]);
        }
    }

    private static void AssertNarrows<TType>(double[] values, Func<double, ushort> expected)
        where TType : struct, INarrowType
    {
        ushort[] narrow = new ushort[values.Length];
        fixed (double* source = values)
        fixed (ushort* destination = narrow)
        {
            NarrowConversion.Narrow<TType>(source, destination, values.Length, 1);
        }

        for (int i = 0; i < values.Length; i++)
        {
            AssertSame<TType>(expected(values[i]), narrow[i], values[i]);
        }
    }

    private static void AssertSame<TType>(ushort expected, ushort actual, double value)
    {
        // Not-a-number has many patterns.
        ushort infinity = (ushort)(typeof(TType) == typeof(Float16Type) ? 0x7C00 : 0x7F80);
        bool same = double.IsNaN(value) ? (actual & 0x7FFF) > infinity : expected == actual;
        Assert.True(same, $"{value:R} becomes 0x{actual:X4}, expected 0x{expected:X4}");
    }

    private static ushort[] Narrow<TType>(float[] values, float scale)
        where TType : struct, INarrowType
    {
        ushort[] narrow = new ushort[values.Length];
        fixed (float* source = values)
        fixed (ushort* destination = narrow)
        {
            NarrowConversion.Narrow<TType>(source, destination, values.Length, scale);
        }

        return narrow;
    }
}
