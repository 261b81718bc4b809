namespace OpenEmbedding.Collectives.TestProgram;

/// <summary>An object that travels.</summary>
public sealed record Person(string Name, int[] Numbers);
