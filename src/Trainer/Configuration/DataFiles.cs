using System.ComponentModel.DataAnnotations;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace OpenEmbedding.Trainer.Configuration;

/// <summary>Files and the rows taken of them; in JSON also just a path or a list of paths.</summary>
[ShortForm("files", "a path, a list of paths")]
public sealed record DataFiles
{
    /// <summary>Files, folders and patterns such as <c>part-*.txt</c>, read in this order as if they were one file.</summary>
    [MinLength(1)]
    public required IReadOnlyList<string> Files { get; init; }

    /// <summary>The rows to take, counted from 0 through all files; without it all.</summary>
    public RowRange? Rows { get; init; }
}

/// <summary>Rows from the first to the last, both included and counted from 0; an open end has no last row.</summary>
/// <param name="First">The first row, at least 0.</param>
/// <param name="Last">The last row, not before the first; null takes all that follow.</param>
public sealed record RowRange(long First, long? Last)
{
    /// <summary>Reads "first-last" or "first-"; false for any other text.</summary>
    public static bool TryParse(string text, [NotNullWhen(true)] out RowRange? value)
    {
        value = null;
        int dash = text.IndexOf('-', StringComparison.Ordinal);
        if (dash < 0 || !TryParseRow(text.AsSpan(0, dash), out long first))
        {
            return false;
        }

        if (dash == text.Length - 1)
        {
            value = new RowRange(first, null);
            return true;
        }

        if (!TryParseRow(text.AsSpan(dash + 1), out long last) || last < first)
        {
            return false;
        }

        value = new RowRange(first, last);
        return true;
    }

    /// <summary>The text that reads back as this.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{First}-{Last}");

    private static bool TryParseRow(ReadOnlySpan<char> text, out long row) =>
        long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out row);
}
