using OpenEmbedding.Collectives;
using OpenEmbedding.EmbeddingPs.Checkpoints;

namespace OpenEmbedding.EmbeddingPs.Tests.Checkpoints;

/// <summary>Which checkpoint of a folder is taken.</summary>
public sealed class CheckpointSourceTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("oe-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void TheNewestIsTakenAndNothingSkipped()
    {
        Commit(1, 2, 10_000_000_000);
        var source = CheckpointSource.OpenForReading(_folder);
        Assert.Equal(10_000_000_000, source.Manifest.Step);
        Assert.Empty(source.Skipped);
    }

    [Fact]
    public void OnesThatAreNotWholeArePassedOver()
    {
        Commit(1, 2, 3, 4);
        var whole = CheckpointSource.OpenForReading(ManifestOf(1));
        File.WriteAllText(ManifestOf(4), File.ReadAllText(ManifestOf(4)).Replace("\"step\":4", "\"step\":5", StringComparison.Ordinal));
        string shortFile = Path.Combine(_folder, CheckpointDirectory.FileOf(3, "dense"));
        File.WriteAllBytes(shortFile, File.ReadAllBytes(shortFile)[..^1]);
        string missing = Path.Combine(_folder, CheckpointDirectory.FileOf(2, "dense"));
        File.Delete(missing);

        var source = CheckpointSource.OpenForReading(_folder);
        Assert.Equal(whole.ManifestPath, source.ManifestPath);
        Assert.Equal(3, source.Skipped.Count);
        Assert.Contains(ManifestOf(4), source.Skipped[0].Problem, StringComparison.Ordinal);
        Assert.Contains($"{shortFile} has ", source.Skipped[1].Problem, StringComparison.Ordinal);
        Assert.Contains($"{missing} is missing", source.Skipped[2].Problem, StringComparison.Ordinal);
        Assert.All(source.Skipped, skipped => Assert.DoesNotContain("\n", skipped.Problem, StringComparison.Ordinal));

        // One that is named is not replaced by another.
        Assert.ThrowsAny<OpenEmbeddingException>(() => CheckpointSource.OpenForReading(ManifestOf(3)));
    }

    [Fact]
    public void AFolderWithoutAWholeOneIsRefused()
    {
        Commit(1, 2);
        File.WriteAllText(ManifestOf(2), "");
        File.WriteAllText(ManifestOf(1), "{}");
        AssertRefused($"The folder {_folder} has no whole checkpoint; of 2 the newest: {ManifestOf(2)} ");
        File.Delete(ManifestOf(1));
        File.Delete(ManifestOf(2));
        AssertRefused($"The folder {_folder} has no checkpoint;");
    }

    private static NamedArray[] Arrays(long step) => [new NamedArray("dense/a", "I64", [1], BitConverter.GetBytes(step))];

    private void AssertRefused(string start)
    {
        var e = Assert.ThrowsAny<OpenEmbeddingException>(() => CheckpointSource.OpenForReading(_folder));
        Assert.StartsWith(start, e.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', e.Message);
        Assert.Equal(JobExitCode.Data, e.ExitCode);
    }

    private string ManifestOf(long step) => Path.Combine(_folder, $"step-{step:D9}.json");

    private void Commit(params long[] steps)
    {
        using var directory = CheckpointDirectory.OpenForWriting(_folder);
        foreach (long step in steps)
        {
            var dense = Safetensors.WriteSegment(_folder, CheckpointDirectory.FileOf(step, "dense"), Arrays(step));
            directory.Commit(new CheckpointManifest { Step = step, Tables = [], Servers = [], Dense = dense }, keep: 10);
        }
    }
}
