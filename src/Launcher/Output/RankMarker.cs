using System.Security.Cryptography;
using System.Text;

namespace OpenEmbedding.Launcher.Output;

/// <summary>
/// What hydra puts before each piece of a rank's output, so that the pieces can be told apart: a word that no rank can print by chance, then
/// the rank.
/// </summary>
/// <remarks>
/// Hydra does it at the beginning of each line and of each piece that it reads, which may be in the middle of a line. What it prints by itself
/// has no marker. So all that follows a marker, to the end of the line or the next marker, are bytes of that rank as it wrote them.
/// </remarks>
internal sealed class RankMarker
{
    private readonly string _word;

    /// <param name="word">The word; letters and digits.</param>
    public RankMarker(string word)
    {
        _word = $"@{word}:";
        Word = Encoding.ASCII.GetBytes(_word);
    }

    /// <summary>The most digits of a rank.</summary>
    public const int MaximumDigits = 10;

    public const byte End = (byte)'@';

    /// <summary>What a marker begins with; digits of the rank and <see cref="End"/> follow.</summary>
    public ReadOnlyMemory<byte> Word { get; }

    /// <summary>The value of hydra's <c>-prepend-pattern</c>.</summary>
    public string Pattern => $"{_word}%r@";

    public static RankMarker Create() => new($"oe{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8))}");
}
