using OpenEmbedding.Collectives;
using OpenEmbedding.EmbeddingPs.Tables;

namespace OpenEmbedding.EmbeddingPs.Checkpoints;

/// <summary>A checkpoint to be read.</summary>
public sealed class CheckpointSource
{
    private CheckpointSource(string manifestPath, CheckpointManifest manifest)
    {
        ManifestPath = manifestPath;
        Manifest = manifest;
    }

    /// <summary>The path of the manifest.</summary>
    public string ManifestPath { get; }

    /// <summary>What it says.</summary>
    public CheckpointManifest Manifest { get; }

    /// <summary>Opens a checkpoint.</summary>
    /// <param name="path">A manifest, or a folder, of which the newest manifest is taken.</param>
    /// <exception cref="OpenEmbeddingException">There is none, or it is damaged.</exception>
    public static CheckpointSource OpenForReading(string path)
    {
        string manifest = Path.GetFullPath(path);
        if (Directory.Exists(manifest))
        {
            manifest = CheckpointDirectory.Manifests(manifest).LastOrDefault()
                ?? throw new OpenEmbeddingException($"The folder {path} has no checkpoint; a checkpoint is a file step-*.json in it.", JobExitCode.Data);
        }

        return new CheckpointSource(manifest, CheckpointManifest.Read(manifest));
    }

    /// <summary>The path of a file of the checkpoint.</summary>
    public string PathOf(CheckpointSegment segment) => Path.Combine(Path.GetDirectoryName(ManifestPath)!, segment.File);

    /// <summary>Checks that the checkpoint has every table of a job.</summary>
    /// <returns>What the job takes otherwise than it was saved, one line each.</returns>
    /// <exception cref="OpenEmbeddingException">A table is missing, or has rows of another length.</exception>
    public IReadOnlyList<string> Check(IReadOnlyList<TableOptions> tables)
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
                notes.Add($"Table {table.Name}: saved with {saved.Optimizer}, trained with {wanted.Optimizer}; weights are kept, slots start anew.");
            }
        }

        return notes;
    }

    /// <summary>The table of a name.</summary>
    internal CheckpointTable Find(string name) =>
        Manifest.Tables.FirstOrDefault(table => table.Name == name)
        ?? throw new OpenEmbeddingException(
            $"{ManifestPath} has no table {name}; it has {string.Join(", ", Manifest.Tables.Select(table => table.Name))}.", JobExitCode.Configuration);
}
