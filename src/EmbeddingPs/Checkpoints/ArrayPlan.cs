namespace OpenEmbedding.EmbeddingPs.Checkpoints;

/// <summary>An array of a safetensors file without its elements.</summary>
/// <param name="Name">Its name, unique in the file.</param>
/// <param name="Type">Its element type as the format writes it.</param>
/// <param name="Shape">Its shape, row-major.</param>
/// <param name="Bytes">Its length.</param>
public sealed record ArrayPlan(string Name, string Type, long[] Shape, long Bytes);
