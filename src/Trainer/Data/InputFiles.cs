using System.IO.Enumeration;
using OpenEmbedding.Collectives;
using OpenEmbedding.Trainer.Configuration;

namespace OpenEmbedding.Trainer.Data;

/// <summary>Finds and opens data files.</summary>
internal static class InputFiles
{
    /// <summary>
    /// Replaces patterns and folders by the files that they stand for, each in ordinal order of their paths; in a pattern <c>*</c> and
    /// <c>?</c> stand for characters of one name, in folders too.
    /// </summary>
    /// <exception cref="OpenEmbeddingException">
    /// A file does not exist, a pattern matches nothing, a folder has no files, or a file that was not named itself is empty.
    /// </exception>
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
                files.AddRange(Find(path, FilesOf(path), "the folder has no files"));
            }
            else if (!IsPattern(path))
            {
                throw DataError.InFile(path, "no such file or folder");
            }
            else
            {
                files.AddRange(Find(path, Matches(path), "no file matches this pattern"));
            }
        }

        return files;
    }

    /// <summary>Opens a file to be read once from its start; one that ends in <c>.gz</c> is decompressed.</summary>
    /// <param name="path">The file.</param>
    /// <param name="isText">Whether its first bytes are to be those of text.</param>
    public static Stream Open(string path, bool isText = true)
    {
        FileStream? stream = null;
        try
        {
            // The readers have large buffers of their own.
            stream = new(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0, FileOptions.SequentialScan);
            if (isText)
            {
                FileKind.ThrowIfNotText(stream, path);
            }

            return IsCompressed(path) ? new GzipFile(stream) : stream;
        }
        catch (Exception e)
        {
            stream?.Dispose();
            if (e is IOException or UnauthorizedAccessException)
            {
                throw DataError.InFile(path, $"cannot be opened: {e.Message}", e);
            }

            throw;
        }
    }

    /// <summary>The form that a name tells by its ending, a <c>.gz</c> left aside.</summary>
    public static DataFormat FormatOf(string path) => Path.GetExtension(IsCompressed(path) ? path[..^3] : path).ToLowerInvariant() switch
    {
        ".csv" => DataFormat.Csv,
        ".tfrecord" or ".tfrecords" => DataFormat.TfRecord,
        ".libsvm" or ".svm" => DataFormat.Libsvm,
        ".libffm" or ".ffm" => DataFormat.Libffm,
        ".parquet" => DataFormat.Parquet,
        _ => DataFormat.Criteo,
    };

    /// <summary>Whether the name ends in <c>.gz</c>.</summary>
    public static bool IsCompressed(string path) => path.EndsWith(".gz", StringComparison.OrdinalIgnoreCase);

    private static bool IsPattern(string path) => path.AsSpan().ContainsAny('*', '?');

    private static List<string> Find(string path, IEnumerable<string> candidates, string none)
    {
        try
        {
            List<string> files = [.. candidates.Order(StringComparer.Ordinal)];
            if (files.Count == 0)
            {
                throw DataError.InFile(path, none);
            }

            return files.Find(IsEmpty) is string empty
                ? throw DataError.InFile(empty, $"an empty file, found by \"{path}\"; expected rows (one that is meant to be empty must be named itself)")
                : files;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw DataError.InFile(path, $"cannot be searched: {e.Message}", e);
        }
    }

    private static bool IsEmpty(string path)
    {
        // The header of a compressed file holds no more than a name or two.
        const int LongestOfNothing = 1024;
        long length = new FileInfo(path).Length;
        if (length == 0 || length > LongestOfNothing || !IsCompressed(path))
        {
            return length == 0;
        }

        try
        {
            using Stream contents = Open(path, isText: false);
            return contents.ReadByte() < 0;
        }
        catch (InvalidDataException)
        {
            // Who reads it will tell.
            return false;
        }
    }

    // Other programs mark what is no data, such as "_SUCCESS", and what is hidden by the first character.
    private static IEnumerable<string> FilesOf(string folder) =>
        Directory.EnumerateFiles(folder).Where(file => Path.GetFileName(file)[0] is not ('.' or '_'));

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
