using MessagePack;
using OpenEmbedding.EmbeddingPs.Checkpoints;
using OpenEmbedding.EmbeddingPs.Tables;

namespace OpenEmbedding.EmbeddingPs.Protocol;

/// <summary>What every trainer and server must have alike.</summary>
[MessagePackObject]
public sealed record JobDefinition
{
    /// <summary>All tables.</summary>
    [Key(0)]
    public required TableOptions[] Tables { get; init; }

    /// <summary>Steps by which a pull may be behind.</summary>
    [Key(1)]
    public int Staleness { get; init; }

    /// <summary>Ranks that train.</summary>
    [Key(2)]
    public required int[] Trainers { get; init; }

    /// <summary>Ranks that hold embeddings.</summary>
    [Key(3)]
    public required int[] Servers { get; init; }

    /// <summary>How rows and gradients travel.</summary>
    [Key(4)]
    public required WireOptions Wire { get; init; }
}

/// <summary>Asks for stored rows.</summary>
[MessagePackObject]
public sealed record ScanRequest
{
    /// <summary>The table by index of creation.</summary>
    [Key(0)]
    public int Table { get; init; }

    /// <summary>0 at first, then <see cref="StoredRows.Next"/> of the answer before.</summary>
    [Key(1)]
    public long Cursor { get; init; }
}

/// <summary>Some stored rows.</summary>
[MessagePackObject]
public sealed record StoredRows
{
    /// <summary>Where to go on, −1 at the end.</summary>
    [Key(0)]
    public long Next { get; init; }

    /// <summary>[n].</summary>
    [Key(1)]
    public required long[] Keys { get; init; }

    /// <summary>[n, Dimension] of the table's element type, as bytes.</summary>
    [Key(2)]
    public required byte[] Weights { get; init; }
}

/// <summary>What a server answers to a save: its segments, or why it could not write them.</summary>
[MessagePackObject]
public sealed record SavedSegments
{
    /// <summary>Why there are no segments, one line; null if there are.</summary>
    [Key(0)]
    public string? Problem { get; init; }

    /// <summary>Files, oldest first.</summary>
    [Key(1)]
    public CheckpointSegment[] Segments { get; init; } = [];
}

/// <summary>Asks a server to take its rows of a checkpoint.</summary>
[MessagePackObject]
public sealed record LoadBody
{
    /// <summary>The path of the manifest.</summary>
    [Key(0)]
    public required string Manifest { get; init; }

    /// <summary>Whether slots are taken too.</summary>
    [Key(1)]
    public bool Slots { get; init; } = true;

    /// <summary>The steps that training goes on from.</summary>
    [Key(2)]
    public long Step { get; init; }
}

/// <summary>What a server answers to a load.</summary>
[MessagePackObject]
public sealed record LoadResult
{
    /// <summary>Which file is damaged and how, one line; null if all rows are taken.</summary>
    [Key(0)]
    public string? Damage { get; init; }
}

/// <summary>Asks a server to serve one more model.</summary>
[MessagePackObject]
public sealed record OpenModelBody
{
    /// <summary>Its number among the job's.</summary>
    [Key(0)]
    public int Model { get; init; }
}
