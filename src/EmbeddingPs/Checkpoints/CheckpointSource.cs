using System.IO.Hashing;
using OpenEmbedding.Collectives;
using OpenEmbedding.EmbeddingPs.Tables;

namespace OpenEmbedding.EmbeddingPs.Checkpoints;

/// <summary>A checkpoint to be read.</summary>
public sealed class CheckpointSource
{
    private readonly string? _folder;

    private CheckpointSource(string manifestPath, string? folder, IReadOnlyList<SkippedCheckpoint> skipped)
    {
        _folder = folder;
        ManifestPath = manifestPath;
        Manifest = CheckpointManifest.Read(manifestPath);
        Skipped = skipped;
        foreach (var segment in Manifest.Files)
        {
            CheckLength(segment);
        }
    }

    /// <summary>The path of the manifest.</summary>
    public string ManifestPath { get; }

    /// <summary>What it says.</summary>
    public CheckpointManifest Manifest { get; }

    /// <summary>The newer checkpoints that are damaged, newest first.</summary>
    public IReadOnlyList<SkippedCheckpoint> Skipped { get; }

    /// <summary>Opens a checkpoint whose manifest is undamaged and whose files have their lengths; checksums are compared when the files are read.</summary>
    /// <param name="path">A manifest, or a folder, of which the newest whole checkpoint is taken.</param>
    /// <exception cref="OpenEmbeddingException">There is none, or the manifest given is not that of a whole checkpoint.</exception>
    public static CheckpointSource OpenForReading(string path)
    {
        string full = Path.GetFullPath(path);
        if (!Directory.Exists(full))
        {
            return new CheckpointSource(full, null, []);
        }

        var skipped = new List<SkippedCheckpoint>();
        return OpenNewest(full, ManifestsOf(full), skipped) ?? throw new OpenEmbeddingException(
            skipped.Count == 0
                ? $"The folder {full} has no checkpoint; a checkpoint is a file {CheckpointDirectory.Pattern} in it."
                : $"The folder {full} has no whole checkpoint; of {skipped.Count} the newest: {skipped[0].Problem}",
            JobExitCode.Data);
    }

    /// <summary>Opens the newest whole checkpoint before this one, whose content was found to be damaged.</summary>
    /// <param name="damage">What is wrong with this one, one line; <see cref="Skipped"/> of the other tells it.</param>
    /// <returns>Null if there is none, or if this one was named and is not just the newest of a folder.</returns>
    public CheckpointSource? OpenOlder(string damage)
    {
        if (_folder is null)
        {
            return null;
        }

        var older = ManifestsOf(_folder).Where(path => CheckpointDirectory.Compare(path, ManifestPath) < 0);
        return OpenNewest(_folder, [.. older], [.. Skipped, new SkippedCheckpoint(ManifestPath, damage)]);
    }

    /// <summary>The path of a file of the checkpoint.</summary>
    public string PathOf(CheckpointSegment segment) => Path.Combine(Path.GetDirectoryName(ManifestPath)!, segment.File);

    /// <summary>Opens a file of the checkpoint that has the length the manifest tells of.</summary>
    internal SafetensorsFile Open(CheckpointSegment segment)
    {
        var file = new SafetensorsFile(PathOf(segment));
        if (file.Bytes == segment.Bytes)
        {
            return file;
        }

        file.Dispose();
        throw new DamagedCheckpointException($"{file.FilePath} has {file.Bytes} bytes, {ManifestPath} tells of {segment.Bytes}; it is damaged.");
    }

    /// <summary>Compares what was read of a file with the checksum of the manifest.</summary>
    internal void CheckContent(SafetensorsFile file, CheckpointSegment segment, IEnumerable<XxHash3> arrays)
    {
        if (SafetensorsFile.Checksum(file.Header, arrays) != segment.Checksum)
        {
            throw new DamagedCheckpointException($"{file.FilePath} does not have the checksum that {ManifestPath} tells; it is damaged.");
        }
    }

    /// <summary>Checks that the checkpoint has every table of a job.</summary>
    /// <exception cref="OpenEmbeddingException">A table is missing, or has rows of another length.</exception>
    public CheckedCheckpoint Check(IReadOnlyList<TableOptions> tables)
    {
        var notes = new List<string>();
        foreach (var table in tables)
        {
            var saved = Find(table.Name);
            if (saved.Dimension != table.Dimension)
            {
                throw new OpenEmbeddingException(
                    $"{ManifestPath}: table {table.Name} has rows of {saved.Dimension} weights, the model has {table.Dimension}.", JobExitCode.Configuration);
            }

            var wanted = CheckpointTable.Of(table);
            if (!saved.HasSlotsOf(wanted))
            {
                string how = saved.Slots.Count == 0 ? $"with {saved.Optimizer} without slots" : $"with {saved.Optimizer}";
                notes.Add($"Table {table.Name}: saved {how}, trained with {wanted.Optimizer}; weights are kept, slots start anew.");
            }
        }

        return new CheckedCheckpoint(this, notes);
    }

    private static CheckpointSource? OpenNewest(string folder, IReadOnlyList<string> manifests, List<SkippedCheckpoint> skipped)
    {
        foreach (string manifest in manifests.Reverse())
        {
            try
            {
                return new CheckpointSource(manifest, folder, skipped);
            }
            catch (OpenEmbeddingException e)
            {
                skipped.Add(new SkippedCheckpoint(manifest, e.Message));
            }
        }

        return null;
    }

    private static IReadOnlyList<string> ManifestsOf(string folder)
    {
        try
        {
            return CheckpointDirectory.Manifests(folder);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new OpenEmbeddingException($"The folder {folder} of checkpoints cannot be read: {e.Message}", JobExitCode.Data, e);
        }
    }

    private void CheckLength(CheckpointSegment segment)
    {
        var file = new FileInfo(PathOf(segment));
        if (!file.Exists || file.Length != segment.Bytes)
        {
            string problem = file.Exists ? $"has {file.Length} bytes" : "is missing";
            throw new DamagedCheckpointException($"{file.FullName} {problem}, {ManifestPath} tells of {segment.Bytes} bytes.");
        }
    }

    /// <summary>The table of a name.</summary>
    internal CheckpointTable Find(string name) =>
        Manifest.Tables.FirstOrDefault(table => table.Name == name)
        ?? throw new OpenEmbeddingException(
            $"{ManifestPath} has no table {name}; it has {string.Join(", ", Manifest.Tables.Select(table => table.Name))}.", JobExitCode.Configuration);
}

/// <summary>A checkpoint that was passed over.</summary>
/// <param name="ManifestPath">The path of its manifest.</param>
/// <param name="Problem">Why, one line with the file.</param>
public sealed record SkippedCheckpoint(string ManifestPath, string Problem);
