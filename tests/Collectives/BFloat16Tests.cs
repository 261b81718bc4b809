using CsCheck;

namespace OpenEmbedding.Collectives.Tests;

public sealed class BFloat16Tests
{
    [Theory]
    [InlineData(1f, 0x3f80)]
    [InlineData(-2f, 0xc000)]
    [InlineData(1.00390625f, 0x3f80)] // half-way between 1 and the next: to even
    [InlineData(1.01171875f, 0x3f82)] // half-way above an odd one: to even
    [InlineData(float.PositiveInfinity, 0x7f80)]
    [InlineData(float.MaxValue, 0x7f80)]
    [InlineData(0f, 0)]
    public void Float_is_rounded_to_nearest_even(float value, int bits) => Assert.Equal(bits, ((BFloat16)value).Bits);

    [Fact]
    public void Not_a_number_stays_one() =>
        Assert.True(float.IsNaN((float)(BFloat16)BitConverter.UInt32BitsToSingle(0x7f800001)));

    [Fact]
    public void Widening_is_exact() =>
        Gen.UShort.Where(bits => (bits & 0x7f80) != 0x7f80)
            .Sample(bits => ((BFloat16)(float)new BFloat16(bits)).Bits == bits);
}
