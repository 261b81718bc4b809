namespace OpenEmbedding.EmbeddingPs.HotRows;

/// <summary>A key of a key space; ordered by space, then by key.</summary>
internal readonly record struct HotKey(int Space, long Key) : IComparable<HotKey>
{
    public int CompareTo(HotKey other)
    {
        int order = Space.CompareTo(other.Space);
        return order != 0 ? order : Key.CompareTo(other.Key);
    }
}
