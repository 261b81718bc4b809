using System.IO.Hashing;
using OpenEmbedding.Collectives;

namespace OpenEmbedding.EmbeddingPs.Checkpoints;

/// <content>Arrays in memory as a file of a checkpoint.</content>
public static partial class Safetensors
{
    /// <summary>Writes a file of a checkpoint that appears whole, and flushes it.</summary>
    /// <param name="folder">The folder of the checkpoints.</param>
    /// <param name="name">The path below the folder, from <see cref="CheckpointDirectory.FileOf"/>; a number is added if there is such a file.</param>
    /// <param name="arrays">What it holds.</param>
    /// <returns>The entry for the manifest.</returns>
    /// <exception cref="OpenEmbeddingException">The file cannot be written; earlier checkpoints are as they were.</exception>
    public static CheckpointSegment WriteSegment(string folder, string name, IReadOnlyList<NamedArray> arrays)
    {
        string free = CheckpointDirectory.FreeName(folder, name);
        string path = Path.Combine(folder, free);
        byte[] header = Header(PlanOf(arrays), new Dictionary<string, string>());
        try
        {
            WholeFile.Write(path, stream => WriteArrays(stream, header, arrays));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new OpenEmbeddingException($"{path} cannot be written: {e.Message}", JobExitCode.Failure, e);
        }

        return new CheckpointSegment
        {
            File = free,
            Bytes = header.Length + arrays.Sum(array => (long)array.Data.Length),
            Checksum = SafetensorsFile.Checksum(header, arrays.Select(array => HashOf(array.Data.Span))),
        };
    }

    /// <summary>Reads a file that <see cref="WriteSegment"/> wrote.</summary>
    /// <returns>All arrays, in the order of the file.</returns>
    /// <exception cref="DamagedCheckpointException">The file is missing, or has not the length and the checksum of the manifest.</exception>
    public static IReadOnlyList<NamedArray> ReadSegment(CheckpointSource source, CheckpointSegment segment)
    {
        using var file = source.Open(segment);
        var arrays = new List<NamedArray>();
        foreach (var plan in file.Arrays)
        {
            byte[] data = new byte[plan.Bytes];
            file.Read(plan, 0, data);
            arrays.Add(new NamedArray(plan.Name, plan.Type, plan.Shape, data));
        }

        source.CheckContent(file, segment, arrays.Select(array => HashOf(array.Data.Span)));
        return arrays;
    }

    private static XxHash3 HashOf(ReadOnlySpan<byte> data)
    {
        var hash = new XxHash3();
        hash.Append(data);
        return hash;
    }
}
