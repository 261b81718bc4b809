namespace OpenEmbedding.Collectives;

/// <summary>One tensor of a grouped operation.</summary>
/// <param name="Data">The address of its first element; it stays in place until the operation is complete.</param>
/// <param name="Count">The number of its elements.</param>
public readonly record struct Segment(nint Data, long Count);
