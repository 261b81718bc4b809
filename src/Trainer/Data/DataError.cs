using System.Globalization;
using OpenEmbedding.Collectives;

namespace OpenEmbedding.Trainer.Data;

/// <summary>Makes the errors of data files: <c>FILE: what</c> or <c>FILE:LINE: what</c>, with the exit code of bad data.</summary>
internal static class DataError
{
    /// <summary>The longest text of a field that a message repeats.</summary>
    private const int LongestQuote = 60;

    public static OpenEmbeddingException InFile(string path, string what, Exception? inner = null) =>
        new($"{path}: {what}", JobExitCode.Data, inner);

    public static OpenEmbeddingException AtLine(string path, long line, string what, Exception? inner = null) =>
        new(string.Create(CultureInfo.InvariantCulture, $"{path}:{line}: {what}"), JobExitCode.Data, inner);

    /// <summary>Names a column, its text and what is allowed instead.</summary>
    public static string Field(string column, ReadOnlySpan<char> text, string expected)
    {
        bool cut = text.Length > LongestQuote;
        Span<char> quote = stackalloc char[LongestQuote];
        int length = Math.Min(text.Length, LongestQuote);
        for (int i = 0; i < length; i++)
        {
            quote[i] = char.IsControl(text[i]) ? '?' : text[i];
        }

        return $"column {column} = \"{quote[..length]}{(cut ? "…" : "")}\": not {expected}";
    }

    /// <summary>Names the number of fields and how many there should be.</summary>
    public static string FieldCount(int came, int expected, string columns) => string.Create(
        CultureInfo.InvariantCulture,
        $"{came} {(came == 1 ? "field" : "fields")}, expected {expected} ({columns})");
}
