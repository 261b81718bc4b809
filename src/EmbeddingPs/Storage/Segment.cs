namespace OpenEmbedding.EmbeddingPs.Storage;

/// <summary>A piece of a row log that is written at once.</summary>
internal sealed class Segment
{
    /// <summary>Slots written.</summary>
    public int Count { get; set; }

    /// <summary>Slots that hold a row as it is.</summary>
    public int Live { get; set; }

    /// <summary>When it was begun, among all segments: of two slots of a key the one in the later segment holds.</summary>
    public long Sequence { get; set; }

    /// <summary>Checkpoints that name it; above 0 it stays as it is.</summary>
    public int Checkpoints { get; set; }

    /// <summary>The checksum of its headers.</summary>
    public ulong Checksum { get; set; }

    /// <summary>Whether it may be written anew.</summary>
    public bool IsFree { get; set; }
}
