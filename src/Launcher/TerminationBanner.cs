using System.Text.RegularExpressions;

namespace OpenEmbedding.Launcher;

/// <summary>Reads along with hydra's output for what it prints, over ten lines, when a signal killed a rank: the host and the signal.</summary>
/// <remarks>
/// The lines that count are <c>=   PID 4711 RUNNING AT node1</c> and <c>YOUR APPLICATION TERMINATED WITH THE EXIT STRING: Killed (signal 9)</c>.
/// The banner's own <c>EXIT CODE</c> is 9 for other signals too, so it is not read.
/// </remarks>
internal sealed partial class TerminationBanner
{
    private readonly LineCutter _lines;

    public TerminationBanner()
    {
        _lines = new LineCutter(ObserveLine);
    }

    /// <summary>The host of the rank that was killed; null if none was.</summary>
    public string? Host { get; private set; }

    /// <summary>The signal that killed it; null if none did.</summary>
    public int? Signal { get; private set; }

    /// <summary>Takes the next piece of the output; lines may be cut anywhere.</summary>
    public void Observe(ReadOnlySpan<byte> output) => _lines.Add(output);

    private void ObserveLine(string line)
    {
        if (HostLine().Match(line) is { Success: true } host)
        {
            Host ??= host.Groups[1].Value;
        }
        else if (SignalLine().Match(line) is { Success: true } signal)
        {
            Signal ??= int.Parse(signal.Groups[1].ValueSpan);
        }
    }

    [GeneratedRegex(@"^=   PID \d+ RUNNING AT (\S+)$")]
    private static partial Regex HostLine();

    [GeneratedRegex(@"^YOUR APPLICATION TERMINATED WITH THE EXIT STRING: .*\(signal (\d{1,2})\)$")]
    private static partial Regex SignalLine();
}
