namespace OpenEmbedding.EmbeddingPs.Tables;

/// <summary>Which shard holds a key: the same answer on every trainer and server.</summary>
public static class Sharding
{
    /// <summary>The shard, in [0, <paramref name="shards"/>), of a key in [0, 2^63).</summary>
    /// <remarks>Array tables deal keys in turn (key % shards), so that each shard holds an equal part of the vocabulary; hash tables deal the mixed key.</remarks>
    public static int ShardOf(TableKind kind, long key, int shards)
    {
        return kind == TableKind.Array
            ? (int)((ulong)key % (uint)shards)
            : (int)Math.BigMul(MixForShard((ulong)key), (ulong)shards, out _);
    }

    // Not the mix that places keys inside a hash table: within one shard that one must still spread over all places.
    private static ulong MixForShard(ulong key)
    {
        key = (key ^ (key >> 30)) * 0xBF58476D1CE4E5B9;
        key = (key ^ (key >> 27)) * 0x94D049BB133111EB;
        return key ^ (key >> 31);
    }
}
