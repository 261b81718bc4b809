using MessagePack;

namespace OpenEmbedding.EmbeddingPs.Client;

/// <summary>What one server holds of one table, and what was asked of it.</summary>
[MessagePackObject]
public sealed record TableStatistics
{
    /// <summary>The table by index of creation.</summary>
    [Key(0)]
    public int Table { get; init; }

    /// <summary>The table's name.</summary>
    [Key(1)]
    public required string Name { get; init; }

    /// <summary>The rank that holds this shard.</summary>
    [Key(2)]
    public int ServerRank { get; init; }

    /// <summary>Stored rows.</summary>
    [Key(3)]
    public long Rows { get; init; }

    /// <summary>Bytes of the rows and of what finds them.</summary>
    [Key(4)]
    public long MemoryBytes { get; init; }

    /// <summary>Pulls that asked for this table, of training and evaluation.</summary>
    [Key(5)]
    public long Pulls { get; init; }

    /// <summary>Keys in those pulls.</summary>
    [Key(6)]
    public long KeysPulled { get; init; }

    /// <summary>Pushes with gradients of this table.</summary>
    [Key(7)]
    public long Pushes { get; init; }

    /// <summary>Keys in those pushes.</summary>
    [Key(8)]
    public long KeysPushed { get; init; }
}
