namespace OpenEmbedding.Launcher.Options;

/// <summary>What becomes of the ranks' output.</summary>
internal sealed record OutputOptions
{
    /// <summary>The folder that gets <c>rank.N/stdout</c> and <c>rank.N/stderr</c>; null for no files.</summary>
    public string? Folder { get; init; }

    /// <summary>What stands before each line on the console.</summary>
    public LinePrefix Prefix { get; init; }

    /// <summary>Whether the ranks' output must be told apart.</summary>
    public bool ByRank => Folder is not null || Prefix != LinePrefix.None;
}

/// <summary>What stands before each line of a rank on the console.</summary>
internal enum LinePrefix
{
    /// <summary>Nothing.</summary>
    None,

    /// <summary>The rank: <c>[3] line</c>.</summary>
    Rank,

    /// <summary>The time in UTC at which the line came, and the rank: <c>2026-11-25 10:11:12.123Z [3] line</c>.</summary>
    TimeAndRank,
}
