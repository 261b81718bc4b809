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

    /// <summary>Rows that keys got by training, where the table's growth is bounded; else 0.</summary>
    [Key(9)]
    public long RowsAdmitted { get; init; }

    /// <summary>Rows that went, for their age or size or because there were too many.</summary>
    [Key(10)]
    public long RowsEvicted { get; init; }

    /// <summary>Keys that were trained, but not often enough for a row.</summary>
    [Key(11)]
    public long Candidates { get; init; }
}
