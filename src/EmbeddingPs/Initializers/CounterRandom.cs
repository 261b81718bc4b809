using System.Runtime.CompilerServices;

namespace OpenEmbedding.EmbeddingPs.Initializers;

/// <summary>Random bits as a pure function of (table seed, key, position): SplitMix64 started anew for every row.</summary>
/// <remarks>Steele, Lea, Flood: Fast splittable pseudorandom number generators, OOPSLA 2014; the mix is Stafford's variant 13.</remarks>
internal readonly struct CounterRandom(ulong tableSeed, long key)
{
    private const ulong Golden = 0x9E3779B97F4A7C15;

    private readonly ulong _row = Mix(tableSeed + Mix((ulong)key + Golden));

    /// <summary>A bijection of 64 bits that flips half of the bits when one input bit flips.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Mix(ulong value)
    {
        value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9;
        value = (value ^ (value >> 27)) * 0x94D049BB133111EB;
        return value ^ (value >> 31);
    }

    /// <summary>64 random bits for a position.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong Bits(ulong position) => Mix(_row + (position + 1) * Golden);

    /// <summary>Uniform in [0, 1), a multiple of 2^−53.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public double Uniform(ulong position) => (Bits(position) >> 11) * (1.0 / (1UL << 53));
}
