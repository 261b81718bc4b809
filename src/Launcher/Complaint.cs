using System.Text.RegularExpressions;

namespace OpenEmbedding.Launcher;

/// <summary>Reads along with the ranks' standard error for the first line that tells why the job ends.</summary>
/// <remarks>Warnings, after which the job may go on, do not count.</remarks>
internal sealed partial class Complaint
{
    private readonly LineCutter _lines;

    public Complaint()
    {
        _lines = new LineCutter(line => Line ??= Reason().Match(line) is { Success: true } match ? match.Value : null);
    }

    /// <summary>The line; null if none came.</summary>
    public string? Line { get; private set; }

    /// <summary>Takes the next piece of the output; lines may be cut anywhere.</summary>
    public void Observe(ReadOnlySpan<byte> output) => _lines.Add(output);

    // What stands before it may be the rank that hydra puts there.
    [GeneratedRegex(@"oe-train: (?!.* is passed over\.).*$|rank \d+: .*; the job ends.*$")]
    private static partial Regex Reason();
}
