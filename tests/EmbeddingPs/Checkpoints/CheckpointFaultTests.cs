using System.Buffers.Binary;
using System.Text;
using OpenEmbedding.Collectives;
using OpenEmbedding.EmbeddingPs.Checkpoints;
using OpenEmbedding.EmbeddingPs.Tables;

namespace OpenEmbedding.EmbeddingPs.Tests.Checkpoints;

/// <summary>Disks that are full, folders that cannot be written, files that are none of a checkpoint.</summary>
public sealed class CheckpointFaultTests : IDisposable
{
    private static readonly TableOptions _table = new() { Name = "items", Kind = TableKind.Hash, Dimension = 2 };

    private readonly string _folder = Directory.CreateTempSubdirectory("oe-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void AFolderThatCannotBeMadeIsRefused()
    {
        string file = Path.Combine(_folder, "file");
        File.WriteAllText(file, "");
        foreach (string path in new[] { file, Path.Combine(file, "below"), "/proc/checkpoints" })
        {
            var e = Assert.ThrowsAny<OpenEmbeddingException>(() => CheckpointDirectory.OpenForWriting(path));
            AssertLine(e, path, JobExitCode.Configuration);
        }
    }

    [Fact]
    public void AServerThatCannotWriteSaysWhere()
    {
        using var table = EmbeddingTable.Create(_table, 0, 1);
        File.WriteAllText(Path.Combine(_folder, "files"), "");
        string? problem = new SegmentChain(0, 1, [table]).Write(new SaveRequest { Folder = _folder, Step = 1 }).Problem;
        Assert.StartsWith(Path.Combine(_folder, "files", "step-000000001.server-0-of-1.safetensors cannot be written: "), problem, StringComparison.Ordinal);
    }

    [Fact]
    public void AFullDiskLeavesTheCheckpointBefore()
    {
        using var directory = CheckpointDirectory.OpenForWriting(_folder);
        directory.Commit(Manifest(1, WriteDense(1)), keep: 1);
        string dense = Path.Combine(_folder, CheckpointDirectory.FileOf(2, "dense"));
        FillDisk(dense);
        AssertLine(Assert.ThrowsAny<OpenEmbeddingException>(() => WriteDense(2)), dense, JobExitCode.Failure);

        string manifest = Path.Combine(_folder, "step-000000002.json");
        var segment = WriteDense(2);
        FillDisk(manifest);
        AssertLine(Assert.ThrowsAny<OpenEmbeddingException>(() => directory.Commit(Manifest(2, segment), keep: 1)), manifest, JobExitCode.Failure);
        Assert.Equal(1, CheckpointSource.OpenForReading(_folder).Manifest.Step);

        // With room again the same save succeeds.
        directory.Commit(Manifest(2, segment), keep: 1);
        Assert.Equal(2, CheckpointSource.OpenForReading(_folder).Manifest.Step);
    }

    [Fact]
    public void WhatAKilledJobLeftIsRemoved()
    {
        using (var directory = CheckpointDirectory.OpenForWriting(_folder))
        {
            directory.Commit(Manifest(1, WriteDense(1)), keep: 1);
        }

        string manifest = Path.Combine(_folder, "step-000000002.json.7.tmp");
        string segment = Path.Combine(_folder, CheckpointDirectory.FileOf(2, "dense"));
        string other = Path.Combine(_folder, "notes.txt");
        foreach (string path in new[] { manifest, segment, other })
        {
            File.WriteAllText(path, "{");
        }

        CheckpointDirectory.OpenForWriting(_folder).Dispose();
        Assert.False(File.Exists(manifest) || File.Exists(segment));
        Assert.True(File.Exists(other));
        Assert.NotEmpty(Safetensors.ReadSegment(CheckpointSource.OpenForReading(_folder), CheckpointSource.OpenForReading(_folder).Manifest.Dense!));
    }

    [Theory]
    [InlineData("[]")]
    [InlineData("{\"a\":1}")]
    [InlineData("{\"a\":{\"dtype\":\"F32\",\"shape\":[1]}}")]
    [InlineData("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0]}}")]
    [InlineData("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}")]
    [InlineData("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,9000000000000000000]}}")]
    [InlineData("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,2]},\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[2,4]}}")]
    [InlineData("not JSON")]
    public void AForeignFileIsNamed(string header)
    {
        string path = Path.Combine(_folder, "foreign.safetensors");
        byte[] length = new byte[sizeof(long)];
        BinaryPrimitives.WriteInt64LittleEndian(length, header.Length);
        File.WriteAllBytes(path, [.. length, .. Encoding.ASCII.GetBytes(header), 0, 0, 0, 0]);
        AssertLine(Assert.ThrowsAny<OpenEmbeddingException>(() => new SafetensorsFile(path).Dispose()), path, JobExitCode.Data);
        File.WriteAllText(path, header);
        AssertLine(Assert.ThrowsAny<OpenEmbeddingException>(() => new SafetensorsFile(path).Dispose()), path, JobExitCode.Data);
    }

    [Fact]
    public void ASegmentWithoutTheTableIsNamed()
    {
        using var table = EmbeddingTable.Create(_table, 0, 1);
        using var directory = CheckpointDirectory.OpenForWriting(_folder);
        var dense = WriteDense(1);
        directory.Commit(Manifest(1, dense) with { Tables = [CheckpointTable.Of(_table)], Servers = [[dense]] }, keep: 1);
        var source = CheckpointSource.OpenForReading(_folder);
        var e = Assert.ThrowsAny<OpenEmbeddingException>(() => SegmentReader.Load(source, [table], slots: true));
        AssertLine(e, $"{source.PathOf(dense)} has no array table/items/keys", JobExitCode.Data);
    }

    /// <summary>Lets the next write of a file find no space: it goes through the temporary name that the file gets at first.</summary>
    private static void FillDisk(string path) => File.CreateSymbolicLink($"{path}.{Environment.ProcessId}.tmp", "/dev/full");

    private static CheckpointManifest Manifest(long step, CheckpointSegment dense) => new() { Step = step, Tables = [], Servers = [], Dense = dense };

    private static void AssertLine(OpenEmbeddingException e, string part, int exitCode)
    {
        Assert.Contains(part, e.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', e.Message);
        Assert.Equal(exitCode, e.ExitCode);
    }

    private CheckpointSegment WriteDense(long step) =>
        Safetensors.WriteSegment(_folder, CheckpointDirectory.FileOf(step, "dense"), [new NamedArray("dense/a", "I64", [1], BitConverter.GetBytes(step))]);
}
