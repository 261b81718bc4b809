using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace OpenEmbedding.EmbeddingPs.Tables;

/// <summary>Which shard holds a key: the same answer on every trainer and server.</summary>
public static class Sharding
{
    private const int MostExactShards = 1 << 24;

    /// <summary>The shard, in [0, <paramref name="shards"/>), of a key in [0, 2^63).</summary>
    /// <remarks>Array tables deal keys in turn (key % shards), so that each shard holds an equal part of the vocabulary; hash tables deal the mixed key.</remarks>
    public static int ShardOf(TableKind kind, long key, int shards)
    {
        return kind == TableKind.Array
            ? (int)((ulong)key % (uint)shards)
            : (int)Math.BigMul(MixForShard((ulong)key), (ulong)shards, out _);
    }

    /// <summary>What <see cref="Divide"/> needs for a number of shards.</summary>
    /// <remarks>⌈2^64 / shards⌉: its excess over 2^64 / shards, times a key, stays below 2^64, so the quotient is exact.</remarks>
    internal static ulong Reciprocal(int shards)
    {
        Debug.Assert(shards <= MostExactShards, "The quotients would not be exact.");
        return shards == 1 ? 0 : ulong.MaxValue / (uint)shards + 1;
    }

    /// <summary>key / shards without a division.</summary>
    /// <param name="key">In [0, <see cref="ArrayTable.LargestVocabulary"/>).</param>
    /// <param name="reciprocal">Of the shards; 0 for one shard, because 2^64 has no place.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static long Divide(long key, ulong reciprocal) =>
        reciprocal == 0 ? key : (long)Math.BigMul((ulong)key, reciprocal, out _);

    // Not the mix that places keys inside a hash table: within one shard that one must still spread over all places.
    private static ulong MixForShard(ulong key)
    {
        key = (key ^ (key >> 30)) * 0xBF58476D1CE4E5B9;
        key = (key ^ (key >> 27)) * 0x94D049BB133111EB;
        return key ^ (key >> 31);
    }
}
