using OpenEmbedding.Collectives;
using OpenEmbedding.EmbeddingPs.Checkpoints;

namespace OpenEmbedding.EmbeddingPs.Tests.Checkpoints;

/// <summary>Arrays in memory as a file of a checkpoint.</summary>
public sealed class DenseSegmentTests : IDisposable
{
    private static readonly NamedArray[] _arrays =
    [
        new NamedArray("dense/a", "F32", [2, 2], new byte[] { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16 }),
        new NamedArray("dense/a/steps", "I64", [1], new byte[] { 9, 0, 0, 0, 0, 0, 0, 0 }),
        new NamedArray("dense/none", "F32", [0], ReadOnlyMemory<byte>.Empty),
    ];

    private readonly string _folder = Directory.CreateTempSubdirectory("oe-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void ArraysComeBackAsTheyWere()
    {
        var source = Commit();
        var read = Safetensors.ReadSegment(source, source.Manifest.Dense!);
        Assert.Equal(_arrays.Select(Line), read.Select(Line));
    }

    [Fact]
    public void AnyChangedByteAndAShortFileAreNamed()
    {
        var source = Commit();
        string path = source.PathOf(source.Manifest.Dense!);
        byte[] bytes = File.ReadAllBytes(path);
        for (int place = 0; place < bytes.Length; place++)
        {
            byte[] damaged = [.. bytes];
            damaged[place] ^= 1;
            File.WriteAllBytes(path, damaged);
            AssertRefused(source, path);
        }

        File.WriteAllBytes(path, bytes[..^1]);
        AssertRefused(source, path);
        File.Delete(path);
        AssertRefused(source, path);
    }

    [Fact]
    public void AFileOfTheSameStepStays()
    {
        string name = CheckpointDirectory.FileOf(3, "dense");
        var first = Safetensors.WriteSegment(_folder, name, _arrays);
        var second = Safetensors.WriteSegment(_folder, name, _arrays);
        Assert.Equal(name, first.File);
        Assert.NotEqual(first.File, second.File);
        Assert.Equal(first.Checksum, second.Checksum);
    }

    private static string Line(NamedArray array) => $"{array.Name} {array.Type} {string.Join('x', array.Shape)} {Convert.ToHexString(array.Data.Span)}";

    private static void AssertRefused(CheckpointSource source, string path)
    {
        var e = Assert.ThrowsAny<OpenEmbeddingException>(() => Safetensors.ReadSegment(source, source.Manifest.Dense!));
        Assert.Contains(path, e.Message, StringComparison.Ordinal);
        Assert.Equal(JobExitCode.Data, e.ExitCode);
    }

    private CheckpointSource Commit()
    {
        using var directory = CheckpointDirectory.OpenForWriting(_folder);
        var dense = Safetensors.WriteSegment(_folder, CheckpointDirectory.FileOf(3, "dense"), _arrays);
        directory.Commit(new CheckpointManifest { Step = 3, Tables = [], Servers = [], Dense = dense }, keep: 1);
        return CheckpointSource.OpenForReading(_folder);
    }
}
