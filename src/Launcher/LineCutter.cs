using System.Text;

namespace OpenEmbedding.Launcher;

/// <summary>Puts the pieces of an output together to lines.</summary>
/// <param name="take">Takes each line, without its end; of a long one the beginning.</param>
internal sealed class LineCutter(Action<string> take)
{
    private const int LongestLine = 1024;

    private readonly List<byte> _line = new(LongestLine);

    /// <summary>Takes the next piece; lines may be cut anywhere.</summary>
    public void Add(ReadOnlySpan<byte> output)
    {
        while (output.IndexOf((byte)'\n') is >= 0 and int end)
        {
            Keep(output[..end]);
            take(Encoding.UTF8.GetString([.. _line]));
            _line.Clear();
            output = output[(end + 1)..];
        }

        Keep(output);
    }

    private void Keep(ReadOnlySpan<byte> part) => _line.AddRange(part[..Math.Min(part.Length, LongestLine - _line.Count)]);
}
