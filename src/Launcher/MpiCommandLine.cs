using System.Globalization;

namespace OpenEmbedding.Launcher;

/// <summary>The command line of hydra, MPICH's process starter.</summary>
internal static class MpiCommandLine
{
    private const string UnquotedSymbols = "-_./:=,+@%";

    /// <summary>The program, then its arguments.</summary>
    public static IReadOnlyList<string> Build(string mpirun, LaunchOptions options)
    {
        var words = new List<string> { mpirun, "-np", options.Ranks.ToString(CultureInfo.InvariantCulture) };
        if (options.Hosts is not null)
        {
            words.AddRange("-hosts", options.Hosts.ToString());
        }

        foreach ((string name, string value) in options.Environment)
        {
            words.AddRange("-genv", name, value);
        }

        words.AddRange(options.Command);
        return words;
    }

    /// <summary>The words as one line that a POSIX shell splits into the same words.</summary>
    public static string Quote(IEnumerable<string> words) => string.Join(' ', words.Select(Quote));

    private static string Quote(string word)
    {
        bool plain = word.Length > 0 && word.All(c => char.IsAsciiLetterOrDigit(c) || UnquotedSymbols.Contains(c));
        return plain ? word : $"'{word.Replace("'", @"'\''")}'";
    }
}
