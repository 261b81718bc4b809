using System.Buffers.Binary;
using System.Text.Json;
using OpenEmbedding.EmbeddingPs.Checkpoints;

namespace OpenEmbedding.Trainer.Tests.Export;

public sealed class SafetensorsTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("oe-").FullName;

    [Fact]
    public void FileHoldsHeaderAndArraysOneAfterAnother()
    {
        string path = Path.Combine(_folder, "new", "w.safetensors");
        Safetensors.Write(
            path,
            [new NamedArray("a", "F32", [1, 2], new byte[] { 1, 2, 3, 4, 5, 6, 7, 8 }), new NamedArray("b", "I64", [1], new byte[] { 9, 0, 0, 0, 0, 0, 0, 0 })],
            new Dictionary<string, string> { ["program"] = "test" });

        byte[] file = File.ReadAllBytes(path);
        int length = (int)BinaryPrimitives.ReadUInt64LittleEndian(file);
        using JsonDocument header = JsonDocument.Parse(file.AsMemory(8, length));
        Assert.Equal(0, (8 + length) % 8);
        Assert.Equal("test", header.RootElement.GetProperty("__metadata__").GetProperty("program").GetString());
        Assert.Equal("[8,16]", header.RootElement.GetProperty("b").GetProperty("data_offsets").GetRawText());
        Assert.Equal("[1,2]", header.RootElement.GetProperty("a").GetProperty("shape").GetRawText());
        Assert.Equal([1, 2, 3, 4, 5, 6, 7, 8, 9], file[(8 + length)..^7]);
    }

    [Fact]
    public void FailedWriteLeavesTheOldFileAndNothingElse()
    {
        string path = Path.Combine(_folder, "w");
        File.WriteAllText(path, "old");

        Assert.Throws<InvalidOperationException>(() => WholeFile.Write(path, stream =>
        {
            stream.WriteByte(1);
            throw new InvalidOperationException();
        }));

        Assert.Equal("old", File.ReadAllText(path));
        Assert.Equal([path], Directory.GetFiles(_folder));
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);
}
