using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace OpenEmbedding.Collectives;

/// <summary>The upper half of a float32: its range, 8 bits of precision.</summary>
public readonly struct BFloat16Type : INarrowType
{
    private const uint SignBit = 0x8000_0000;
    private const uint Infinity = 0xFFu << 23;
    private const uint Largest = 0x7F7F_0000;
    private const uint Quiet = 0x0040_0000;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<uint> Narrow(Vector256<float> values)
    {
        var bits = values.AsUInt32();
        var sign = bits & Vector256.Create(SignBit);
        var magnitude = bits ^ sign;
        var isNotANumber = Vector256.GreaterThan(magnitude, Vector256.Create(Infinity));
        var isFinite = Vector256.LessThan(magnitude, Vector256.Create(Infinity));
        magnitude = Vector256.ConditionalSelect(isFinite, Vector256.Min(magnitude, Vector256.Create(Largest)), magnitude);

        // Half of the last place, less one where the last bit is even: a tie goes to the even neighbour.
        var last = (magnitude >> 16) & Vector256.Create(1u);
        var rounded = magnitude + Vector256.Create(0x7FFFu) + last;
        var narrow = Vector256.ConditionalSelect(isNotANumber, magnitude | Vector256.Create(Quiet), rounded);
        return (narrow | sign) >> 16;
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Widen(Vector256<uint> bits) => (bits << 16).AsSingle();
}
