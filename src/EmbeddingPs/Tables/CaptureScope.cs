namespace OpenEmbedding.EmbeddingPs.Tables;

/// <summary>Which rows a capture copies.</summary>
internal readonly record struct CaptureScope
{
    /// <summary>All rows, for a file that stands alone; what changed since the last increment stays noted.</summary>
    public static readonly CaptureScope Alone = new() { IsWhole = true };

    /// <summary>All rows, as the first of a chain of increments.</summary>
    public static readonly CaptureScope First = new() { IsWhole = true, IsIncrement = true };

    /// <summary>Whether all rows are copied.</summary>
    public bool IsWhole { get; private init; }

    /// <summary>Whether the next increment holds what changes from now on.</summary>
    public bool IsIncrement { get; private init; }

    /// <summary>Which part of the unchanged rows is copied too, in [0, <see cref="Parts"/>).</summary>
    public int Part { get; private init; }

    /// <summary>Parts of the table.</summary>
    public int Parts { get; private init; }

    /// <summary>The rows that changed since the increment before, and one part of the others: so many increments in turn hold every row.</summary>
    public static CaptureScope Increment(int part, int parts) => new() { IsIncrement = true, Part = part, Parts = parts };
}
