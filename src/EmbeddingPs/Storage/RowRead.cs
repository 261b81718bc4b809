namespace OpenEmbedding.EmbeddingPs.Storage;

/// <summary>A row that is to be read from the log.</summary>
/// <param name="Slot">Its place.</param>
/// <param name="Key">Its key, for the check.</param>
/// <param name="Destination">Where the row goes.</param>
internal readonly record struct RowRead(uint Slot, long Key, nint Destination) : IComparable<RowRead>
{
    /// <summary>The order of the file.</summary>
    public int CompareTo(RowRead other) => Slot.CompareTo(other.Slot);
}
