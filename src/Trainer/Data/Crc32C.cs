using System.Numerics;
using System.Runtime.InteropServices;

namespace OpenEmbedding.Trainer.Data;

/// <summary>The checksum CRC-32C (Castagnoli), as LevelDB and TensorFlow keep it beside data.</summary>
internal static class Crc32C
{
    /// <summary>The state before the first byte.</summary>
    public const uint Start = uint.MaxValue;

    /// <summary>The masked checksum of some bytes.</summary>
    public static uint Masked(ReadOnlySpan<byte> bytes) => Mask(Update(Start, bytes));

    /// <summary>The masked checksum of what led to a state.</summary>
    /// <remarks>A checksum of bytes that hold their own checksum would be of little use, so that LevelDB keeps it turned by 15 bits and moved.</remarks>
    public static uint Mask(uint state) => unchecked(BitOperations.RotateRight(~state, 15) + 0xa282ead8);

    /// <summary>The state behind some more bytes.</summary>
    public static uint Update(uint state, ReadOnlySpan<byte> bytes)
    {
        ReadOnlySpan<ulong> words = MemoryMarshal.Cast<byte, ulong>(bytes);
        foreach (ulong word in words)
        {
            state = BitOperations.Crc32C(state, word);
        }

        foreach (byte last in bytes[(words.Length * sizeof(ulong))..])
        {
            state = BitOperations.Crc32C(state, last);
        }

        return state;
    }
}
