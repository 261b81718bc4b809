using System.Globalization;
using OpenEmbedding.Collectives;

namespace OpenEmbedding.EmbeddingPs.Checkpoints;

/// <summary>A folder of checkpoints that one job writes.</summary>
public sealed class CheckpointDirectory : IDisposable
{
    private const string FilesFolder = "files";
    private const string LockName = ".lock";
    private const string NamePrefix = "step-";
    internal const string Pattern = NamePrefix + "*.json";

    private readonly FileStream _lock;

    private CheckpointDirectory(string folder, FileStream fileLock)
    {
        Folder = folder;
        _lock = fileLock;
    }

    /// <summary>The folder's full path.</summary>
    public string Folder { get; }

    /// <summary>The newest manifest that is in the folder, those that a load passed over apart; null without one.</summary>
    public string? NewestManifest(IEnumerable<SkippedCheckpoint> skipped) =>
        Manifests(Folder).Except(skipped.Select(checkpoint => checkpoint.ManifestPath)).LastOrDefault();

    /// <summary>Makes the folder, locks it against other jobs and removes what an unfinished checkpoint left; only the first trainer calls it.</summary>
    /// <exception cref="OpenEmbeddingException">The folder is not writable, or another job writes there.</exception>
    public static CheckpointDirectory OpenForWriting(string path)
    {
        string folder = Path.GetFullPath(path);
        try
        {
            Directory.CreateDirectory(Path.Combine(folder, FilesFolder));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new OpenEmbeddingException($"The folder {path} for checkpoints cannot be made: {e.Message}", JobExitCode.Configuration, e);
        }

        FileStream fileLock;
        try
        {
            fileLock = new FileStream(Path.Combine(folder, LockName), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new OpenEmbeddingException(
                $"The folder {path} for checkpoints cannot be locked: another job writes there, or it is not writable ({e.Message}).", JobExitCode.Configuration, e);
        }

        var directory = new CheckpointDirectory(folder, fileLock);
        try
        {
            directory.RemoveLeftovers();
            return directory;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            directory.Dispose();
            throw new OpenEmbeddingException($"The folder {path} for checkpoints cannot be tidied: {e.Message}", JobExitCode.Configuration, e);
        }
    }

    /// <summary>The newest manifest of a folder that need not be there or be opened, null without one.</summary>
    public static string? NewestIn(string folder) => Directory.Exists(folder) ? Manifests(folder).LastOrDefault() : null;

    /// <summary>The steps trained that the name of a manifest tells, null if it is none that this class gives.</summary>
    public static long? StepOf(string manifestPath) =>
        long.TryParse(Path.GetFileNameWithoutExtension(manifestPath).AsSpan(NamePrefix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out long step) ? step : null;

    /// <summary>The path below the folder of a file of a step.</summary>
    /// <param name="step">Steps trained.</param>
    /// <param name="part">What it holds, as <c>server-0-of-2</c> or <c>dense</c>.</param>
    public static string FileOf(long step, string part) => Path.Combine(FilesFolder, $"{NameOf(step)}.{part}.safetensors");

    /// <summary>Makes a checkpoint valid, then removes older ones.</summary>
    /// <param name="manifest">The manifest, whose files are written.</param>
    /// <param name="keep">How many checkpoints stay, at least 1.</param>
    /// <exception cref="OpenEmbeddingException">The manifest cannot be written; earlier checkpoints are as they were.</exception>
    public void Commit(CheckpointManifest manifest, int keep)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(keep, 1);
        string path = Path.Combine(Folder, NameOf(manifest.Step) + ".json");
        try
        {
            // The names of the files must last before the manifest that tells of them.
            FolderFlush.Flush(Path.Combine(Folder, FilesFolder));
            WholeFile.Write(path, stream => stream.Write(manifest.ToFile()));
            foreach (string old in Manifests(Folder).SkipLast(keep).Where(old => old != path))
            {
                File.Delete(old);
            }

            RemoveLeftovers();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new OpenEmbeddingException($"The checkpoint {path} cannot be finished: {e.Message}", JobExitCode.Failure, e);
        }
    }

    /// <summary>Removes a file of a checkpoint that was not made valid; one that cannot be removed is left to the next job.</summary>
    public void Remove(CheckpointSegment file)
    {
        try
        {
            File.Delete(Path.Combine(Folder, file.File));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Nothing depends on it: no manifest names the file.
        }
    }

    /// <summary>Lets other jobs write.</summary>
    public void Dispose() => _lock.Dispose();

    /// <summary>A name for a file, below the folder, that no file has: one of an earlier checkpoint of the same step stays as it is until the new manifest is there.</summary>
    internal static string FreeName(string folder, string name)
    {
        string free = name;
        for (int attempt = 2; File.Exists(Path.Combine(folder, free)); attempt++)
        {
            free = Path.ChangeExtension(name, $"{attempt}{Path.GetExtension(name)}");
        }

        return free;
    }

    /// <summary>The manifests of a folder, oldest first.</summary>
    internal static IReadOnlyList<string> Manifests(string folder) =>
        [.. Directory.GetFiles(folder, Pattern).Order(Comparer<string>.Create(Compare))];

    /// <summary>Tells which of two manifests of a folder is the older one.</summary>
    internal static int Compare(string manifest, string other) =>
        manifest.Length != other.Length ? manifest.Length.CompareTo(other.Length) : string.CompareOrdinal(manifest, other);

    private static string NameOf(long step) => string.Create(CultureInfo.InvariantCulture, $"{NamePrefix}{step:D9}");

    // A damaged manifest might name any file, so that nothing is removed beside one.
    private void RemoveLeftovers()
    {
        var needed = new HashSet<string>();
        foreach (string path in Manifests(Folder))
        {
            try
            {
                needed.UnionWith(CheckpointManifest.Read(path).Files.Select(file => Path.Combine(Folder, file.File)));
            }
            catch (OpenEmbeddingException)
            {
                return;
            }
        }

        string[] halfManifests = Directory.GetFiles(Folder, Pattern + ".*.tmp");
        foreach (string path in Directory.GetFiles(Path.Combine(Folder, FilesFolder), "step-*").Where(path => !needed.Contains(path)).Concat(halfManifests))
        {
            File.Delete(path);
        }
    }
}
