using System.Globalization;

namespace OpenEmbedding.Collectives;

/// <summary>The upper half of a float32: its range, with 8 bits of precision.</summary>
/// <param name="Bits">Sign, 8 bits of exponent, 7 bits of fraction.</param>
public readonly record struct BFloat16(ushort Bits)
{
    /// <summary>The value as a float32; exact.</summary>
    /// <param name="value">The value to widen.</param>
    public static explicit operator float(BFloat16 value) => BitConverter.UInt32BitsToSingle((uint)value.Bits << 16);

    /// <summary>The nearest value, ties to even; not-a-number stays one.</summary>
    /// <param name="value">The value to round.</param>
    public static explicit operator BFloat16(float value)
    {
        var bits = BitConverter.SingleToUInt32Bits(value);
        return float.IsNaN(value)
            ? new BFloat16((ushort)((bits >> 16) | 0x40)) // quiet, so that a fraction in the lower half is not lost
            : new BFloat16((ushort)((bits + 0x7fff + ((bits >> 16) & 1)) >> 16));
    }

    /// <inheritdoc/>
    public override string ToString() => ((float)this).ToString(CultureInfo.InvariantCulture);
}
