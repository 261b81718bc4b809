namespace OpenEmbedding.EmbeddingPs.Client;

/// <content>Plans made of the keys of another plan, without positions.</content>
public sealed partial class KeyBatch
{
    /// <summary>Takes all keys of another plan.</summary>
    internal void CopyKeys(KeyBatch source)
    {
        Begin(source);
        source.Keys.CopyTo(KeyArray);
        source.ShardOffsets.CopyTo(_offsets);
        _keyCount = source.Count;
    }

    /// <summary>Takes some keys of another plan.</summary>
    /// <param name="source">The plan.</param>
    /// <param name="places">The keys by index in <see cref="Keys"/>, ascending.</param>
    internal void Select(KeyBatch source, ReadOnlySpan<int> places)
    {
        Begin(source);
        var keys = source.Keys;
        var ends = source.ShardOffsets[1..];
        int shard = 0;
        _offsets[0] = 0;
        for (int i = 0; i < places.Length; i++)
        {
            while (places[i] >= ends[shard])
            {
                _offsets[++shard] = i;
            }

            KeyArray[i] = keys[places[i]];
        }

        _offsets.AsSpan(shard + 1, _shardCount - shard).Fill(places.Length);
        _keyCount = places.Length;
    }

    private void Begin(KeyBatch source)
    {
        MakeRoom(source.Count, source.Shards);
        Kind = source.Kind;
        LargestKey = source.LargestKey;
        _shardCount = source.Shards;
        _idCount = 0;
    }
}
