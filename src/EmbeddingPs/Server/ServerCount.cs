using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace OpenEmbedding.EmbeddingPs.Server;

/// <summary>How many ranks hold embeddings: a number of their own, a share chosen by the program, or all beside their trainers.</summary>
public sealed record ServerCount
{
    private ServerCount(int dedicated, string? name)
    {
        Ranks = dedicated;
        Name = name;
    }

    /// <summary>A quarter of the ranks, at least one; of a single rank, itself.</summary>
    public static ServerCount Auto { get; } = new(0, "auto");

    /// <summary>Every rank is trainer and server.</summary>
    public static ServerCount Colocated { get; } = new(0, "colocated");

    /// <summary>The ranks that are servers only; 0 for <see cref="Auto"/> and <see cref="Colocated"/>.</summary>
    public int Ranks { get; }

    private string? Name { get; }

    /// <summary>A number of ranks that are servers only.</summary>
    /// <param name="ranks">At least 1.</param>
    public static ServerCount Dedicated(int ranks)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(ranks, 1);
        return new ServerCount(ranks, null);
    }

    /// <summary>Reads a number from 1, "auto" or "colocated"; false for any other text.</summary>
    public static bool TryParse(string text, [NotNullWhen(true)] out ServerCount? value)
    {
        value = text.ToLowerInvariant() switch
        {
            "auto" => Auto,
            "colocated" => Colocated,
            _ when int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int ranks) && ranks > 0 => Dedicated(ranks),
            _ => null,
        };
        return value is not null;
    }

    /// <summary>The text that reads back as this.</summary>
    public override string ToString() => Name ?? Ranks.ToString(CultureInfo.InvariantCulture);
}
