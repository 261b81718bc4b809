using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace OpenEmbedding.EmbeddingPs.Server;

/// <summary>How many ranks hold embeddings: a number of their own, a share chosen by the program, or all or some beside their trainers.</summary>
public sealed record ServerCount
{
    private const string AutoName = "auto";
    private const string ColocatedName = "colocated";

    private ServerCount(int ranks, bool isColocated)
    {
        Ranks = ranks;
        IsColocated = isColocated;
    }

    /// <summary>A quarter of the ranks, at least one; of a single rank, itself.</summary>
    public static ServerCount Auto { get; } = new(0, isColocated: false);

    /// <summary>Every rank is trainer and server.</summary>
    public static ServerCount Colocated { get; } = new(0, isColocated: true);

    /// <summary>The number of servers; 0 for <see cref="Auto"/> and <see cref="Colocated"/>.</summary>
    public int Ranks { get; }

    /// <summary>Whether servers are trainers too.</summary>
    public bool IsColocated { get; }

    /// <summary>A number of ranks that are servers only.</summary>
    /// <param name="ranks">At least 1.</param>
    public static ServerCount Dedicated(int ranks)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(ranks, 1);
        return new ServerCount(ranks, isColocated: false);
    }

    /// <summary>Every rank is a trainer, and so many are servers too.</summary>
    /// <param name="ranks">At least 1.</param>
    public static ServerCount ColocatedOn(int ranks)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(ranks, 1);
        return new ServerCount(ranks, isColocated: true);
    }

    /// <summary>Reads a number from 1, "auto", "colocated" or "colocated:" with a number from 1; false for any other text.</summary>
    public static bool TryParse(string text, [NotNullWhen(true)] out ServerCount? value)
    {
        string[] parts = text.ToLowerInvariant().Split(':', 2);
        value = parts switch
        {
            [AutoName] => Auto,
            [ColocatedName] => Colocated,
            [ColocatedName, var number] when TryParseNumber(number, out int ranks) => ColocatedOn(ranks),
            [var number] when TryParseNumber(number, out int ranks) => Dedicated(ranks),
            _ => null,
        };
        return value is not null;
    }

    /// <summary>The text that reads back as this.</summary>
    public override string ToString() => (Ranks, IsColocated) switch
    {
        (0, false) => AutoName,
        (0, true) => ColocatedName,
        (_, true) => string.Create(CultureInfo.InvariantCulture, $"{ColocatedName}:{Ranks}"),
        _ => Ranks.ToString(CultureInfo.InvariantCulture),
    };

    private static bool TryParseNumber(string text, out int ranks) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out ranks) && ranks > 0;
}
