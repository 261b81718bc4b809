using System.IO.Compression;
using System.IO.Enumeration;
using OpenEmbedding.Collectives;

namespace OpenEmbedding.Trainer.Data;

/// <summary>Finds and opens data files.</summary>
internal static class InputFiles
{
    /// <summary>
    /// Replaces patterns by the files they match, in ordinal order of their paths; <c>*</c> and <c>?</c> stand for characters of one name,
    /// in folders too.
    /// </summary>
    /// <exception cref="OpenEmbeddingException">A file does not exist, is a folder, or a pattern matches nothing.</exception>
    public static List<string> Expand(IReadOnlyList<string> paths)
    {
        List<string> files = [];
        foreach (string path in paths)
        {
            if (File.Exists(path))
            {
                files.Add(path);
            }
            else if (Directory.Exists(path))
            {
                throw DataError.InFile(path, "is a folder, expected a file or a pattern such as \"folder/*.txt\"");
            }
            else if (!IsPattern(path))
            {
                throw DataError.InFile(path, "no such file");
            }
            else
            {
                List<string> matches = [.. Matches(path).Order(StringComparer.Ordinal)];
                if (matches.Count == 0)
                {
                    throw DataError.InFile(path, "no file matches this pattern");
                }

                files.AddRange(matches);
            }
        }

        return files;
    }

    /// <summary>Opens a file to be read once from its start; one that ends in <c>.gz</c> is decompressed.</summary>
    public static Stream Open(string path)
    {
        try
        {
            // The readers have large buffers of their own.
            FileStream stream = new(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0, FileOptions.SequentialScan);
            return IsCompressed(path) ? new GZipStream(stream, CompressionMode.Decompress) : stream;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw DataError.InFile(path, $"cannot be opened: {e.Message}", e);
        }
    }

    /// <summary>Whether the name, a <c>.gz</c> left aside, ends in <c>.csv</c>.</summary>
    public static bool IsCsv(string path) =>
        (IsCompressed(path) ? path[..^3] : path).EndsWith(".csv", StringComparison.OrdinalIgnoreCase);

    /// <summary>Whether the name ends in <c>.gz</c>.</summary>
    public static bool IsCompressed(string path) => path.EndsWith(".gz", StringComparison.OrdinalIgnoreCase);

    private static bool IsPattern(string path) => path.AsSpan().ContainsAny('*', '?');

    private static IEnumerable<string> Matches(string pattern)
    {
        string folder = Path.GetDirectoryName(pattern) ?? "";
        string name = Path.GetFileName(pattern);
        return Folders(folder)
            .SelectMany(f => Directory.EnumerateFiles(f.Length == 0 ? "." : f).Select(file => Path.Combine(f, Path.GetFileName(file))))
            .Where(file => IsMatch(name, file));
    }

    private static IEnumerable<string> Folders(string pattern)
    {
        if (!IsPattern(pattern))
        {
            return pattern.Length == 0 || Directory.Exists(pattern) ? [pattern] : [];
        }

        string parent = Path.GetDirectoryName(pattern) ?? "";
        string name = Path.GetFileName(pattern);
        return Folders(parent)
            .SelectMany(f => Directory.EnumerateDirectories(f.Length == 0 ? "." : f).Select(d => Path.Combine(f, Path.GetFileName(d))))
            .Where(folder => IsMatch(name, folder));
    }

    // As in a shell, a pattern reaches a hidden file only when it begins with the dot itself.
    private static bool IsMatch(string pattern, string path)
    {
        ReadOnlySpan<char> name = Path.GetFileName(path.AsSpan());
        return (!name.StartsWith('.') || pattern.StartsWith('.'))
            && FileSystemName.MatchesSimpleExpression(pattern, name, ignoreCase: false);
    }
}
