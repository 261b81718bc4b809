using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace OpenEmbedding.Collectives;

/// <summary>IEEE 754 half precision: 11 bits of precision, from 2⁻²⁴ to 65504.</summary>
/// <remarks>
/// <code>
/// float32  [ sign ][ exponent 8, bias 127 ][ fraction 23                       ]
/// float16  [ sign ][ exponent 5, bias 15  ][ fraction 10 ]
/// </code>
/// .NET has no vector conversion for it, so the fields are moved by integer operations; subnormal numbers, whose fraction has no leading
/// bit, are left to the rounding of a float32 addition.
/// </remarks>
public readonly struct Float16Type : INarrowType
{
    private const int Shift = 23 - 10;
    private const uint SignBit = 0x8000_0000;
    private const uint Infinity32 = 0xFFu << 23;
    private const uint Largest32 = 0x477F_E000; // 65504
    private const uint SmallestNormal32 = 113u << 23; // 2⁻¹⁴
    private const uint Rebias = (127u - 15) << 23;
    private const uint Infinity16 = 0x7C00;
    private const uint Quiet16 = 0x0200;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<uint> Narrow(Vector256<float> values)
    {
        var bits = values.AsUInt32();
        var sign = bits & Vector256.Create(SignBit);
        var magnitude = bits ^ sign;
        var isSpecial = Vector256.GreaterThan(magnitude, Vector256.Create(Infinity32 - 1));
        var isNotANumber = Vector256.GreaterThan(magnitude, Vector256.Create(Infinity32));
        var finite = Vector256.Min(magnitude, Vector256.Create(Largest32));

        // Half of the last place, less one where the last bit is even: a tie goes to the even neighbour.
        var last = (finite >> Shift) & Vector256.Create(1u);
        var normal = (finite - Vector256.Create(Rebias - ((1u << (Shift - 1)) - 1)) + last) >> Shift;

        // The last place of ½ in float32 is 2⁻²⁴, that of a subnormal number in float16.
        var half = Vector256.Create(0.5f);
        var subnormal = (finite.AsSingle() + half).AsUInt32() - half.AsUInt32();

        var isSubnormal = Vector256.LessThan(finite, Vector256.Create(SmallestNormal32));
        var special = Vector256.Create(Infinity16) | (isNotANumber & Vector256.Create(Quiet16));
        var narrow = Vector256.ConditionalSelect(isSubnormal, subnormal, normal);
        return Vector256.ConditionalSelect(isSpecial, special, narrow) | (sign >> 16);
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Widen(Vector256<uint> bits)
    {
        var magnitude = (bits & Vector256.Create(0x7FFFu)) << Shift;
        var sign = (bits & Vector256.Create(0x8000u)) << 16;
        var normal = magnitude + Vector256.Create(Rebias);

        // With the exponent of the smallest normal number it reads as that number plus the subnormal one.
        var smallest = Vector256.Create(SmallestNormal32);
        var subnormal = ((magnitude + smallest).AsSingle() - smallest.AsSingle()).AsUInt32();

        var isSubnormal = Vector256.LessThan(magnitude, Vector256.Create(1u << 23));
        var isSpecial = Vector256.GreaterThan(magnitude, Vector256.Create((Infinity16 << Shift) - 1));
        var wide = Vector256.ConditionalSelect(isSubnormal, subnormal, normal);
        return (wide | (isSpecial & Vector256.Create(Infinity32)) | sign).AsSingle();
    }
}
