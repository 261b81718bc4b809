using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using OpenEmbedding.Launcher.Options;

namespace OpenEmbedding.Launcher.Output;

/// <summary>Writes the ranks' output line by line, each with its rank before it: lines of several ranks do not run into each other.</summary>
internal sealed class PrefixedLines(PrefixedLines.Write write, LinePrefix prefix, TimeProvider time)
{
    // A line that grows longer is written in parts.
    private const int LongestLine = 1 << 20;

    private readonly SortedDictionary<int, List<byte>> _lines = [];

    /// <summary>Takes what goes to the console.</summary>
    public delegate void Write(ReadOnlySpan<byte> bytes);

    /// <summary>Takes the next bytes of a rank, or of hydra, whose lines have no prefix.</summary>
    public void Add(int rank, ReadOnlySpan<byte> bytes)
    {
        if (rank == RankSplitter.Hydra)
        {
            write(bytes);
            return;
        }

        if (!_lines.TryGetValue(rank, out List<byte>? line))
        {
            _lines[rank] = line = [];
        }

        while (bytes.Length > 0)
        {
            if (line.Count == 0)
            {
                line.AddRange(Encoding.ASCII.GetBytes(Prefix(rank)));
            }

            int end = bytes.IndexOf((byte)'\n') + 1;
            int count = Math.Min(end == 0 ? bytes.Length : end, LongestLine);
            line.AddRange(bytes[..count]);
            bytes = bytes[count..];
            if (line[^1] == '\n' || line.Count >= LongestLine)
            {
                End(line);
            }
        }
    }

    /// <summary>Writes the lines that have no end yet.</summary>
    public void Finish()
    {
        foreach (List<byte> line in _lines.Values.Where(line => line.Count > 0))
        {
            End(line);
        }
    }

    // One call for each line, so that it stays whole beside what others write to the same terminal.
    private void End(List<byte> line)
    {
        if (line[^1] != '\n')
        {
            line.Add((byte)'\n');
        }

        write(CollectionsMarshal.AsSpan(line));
        line.Clear();
    }

    private string Prefix(int rank) => prefix == LinePrefix.TimeAndRank
        ? string.Create(CultureInfo.InvariantCulture, $"{time.GetUtcNow():yyyy-MM-dd HH:mm:ss.fff}Z [{rank}] ")
        : string.Create(CultureInfo.InvariantCulture, $"[{rank}] ");
}
