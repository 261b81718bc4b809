using System.IO.Hashing;
using System.Numerics;
using System.Runtime.InteropServices;
using OpenEmbedding.Collectives;
using OpenEmbedding.EmbeddingPs.Checkpoints;

namespace OpenEmbedding.EmbeddingPs.Storage;

/// <summary>Which segments of a row log are the state after a step: a small file that appears whole.</summary>
/// <remarks>
/// Magic, identity, step, shift, number of parts, parts, checksum of all before; little-endian. A part is its number, its count, the checksum of
/// its headers, and a bit for each slot, in words of 64.
/// </remarks>
/// <param name="Identity">What the table is.</param>
/// <param name="Step">Steps applied.</param>
/// <param name="Shift">Log2 of the slots of a segment.</param>
/// <param name="Parts">The segments.</param>
internal sealed record LogCheckpoint(string Identity, long Step, int Shift, LogCheckpoint.Part[] Parts)
{
    private const ulong Magic = 0x32474F4C574F52; // "ROWLOG2"

    /// <summary>One segment.</summary>
    /// <param name="Number">Its number.</param>
    /// <param name="Count">Slots written.</param>
    /// <param name="Checksum">The checksum of its headers.</param>
    /// <param name="Held">Which of its slots hold a row, for <see cref="Segment.Holds(ulong[], int)"/>.</param>
    public readonly record struct Part(int Number, int Count, ulong Checksum, ulong[] Held)
    {
        /// <summary>Slots that hold a row.</summary>
        public int Live => Held.Sum(BitOperations.PopCount);
    }

    /// <summary>Writes the file; until it is whole, what was there stays.</summary>
    public static void Write(string path, LogCheckpoint checkpoint)
    {
        var memory = new MemoryStream();
        using var writer = new BinaryWriter(memory);
        writer.Write(Magic);
        writer.Write(checkpoint.Identity);
        writer.Write(checkpoint.Step);
        writer.Write(checkpoint.Shift);
        writer.Write(checkpoint.Parts.Length);
        foreach (var part in checkpoint.Parts)
        {
            writer.Write(part.Number);
            writer.Write(part.Count);
            writer.Write(part.Checksum);
            writer.Write(MemoryMarshal.AsBytes(part.Held.AsSpan()));
        }

        writer.Write(XxHash3.HashToUInt64(memory.GetBuffer().AsSpan(0, (int)memory.Length)));
        try
        {
            WholeFile.Write(path, file => file.Write(memory.GetBuffer().AsSpan(0, (int)memory.Length)));
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            throw new OpenEmbeddingException($"Cannot write {path}: {problem.Message.TrimEnd('.')}.", JobExitCode.Data, problem);
        }
    }

    /// <summary>Reads the file; one that is missing, damaged or of another table is an error.</summary>
    public static LogCheckpoint Read(string path, string table, string identity, long step)
    {
        byte[] bytes;
        try
        {
            bytes = File.ReadAllBytes(path);
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            throw new OpenEmbeddingException($"Table {table}: cannot read the checkpoint of step {step}: {problem.Message.TrimEnd('.')}.", JobExitCode.Data, problem);
        }

        int end = bytes.Length - sizeof(ulong);
        if (end < sizeof(ulong) || BitConverter.ToUInt64(bytes) != Magic || BitConverter.ToUInt64(bytes, end) != XxHash3.HashToUInt64(bytes.AsSpan(0, end)))
        {
            throw new OpenEmbeddingException($"Table {table}: {path} is damaged or no checkpoint of a table.", JobExitCode.Data);
        }

        using var reader = new BinaryReader(new MemoryStream(bytes, sizeof(ulong), end - sizeof(ulong)));
        string found = reader.ReadString();
        if (found != identity)
        {
            throw new OpenEmbeddingException($"Table {table}: {path} is of {found}; needed is {identity}.", JobExitCode.Data);
        }

        long foundStep = reader.ReadInt64();
        if (foundStep != step)
        {
            throw new OpenEmbeddingException($"Table {table}: {path} is of step {foundStep}, not {step}.", JobExitCode.Data);
        }

        int shift = reader.ReadInt32();
        var parts = new Part[reader.ReadInt32()];
        for (int i = 0; i < parts.Length; i++)
        {
            var (number, count, checksum) = (reader.ReadInt32(), reader.ReadInt32(), reader.ReadUInt64());
            ulong[] held = new ulong[Segment.WordsOf(count)];
            reader.ReadExactly(MemoryMarshal.AsBytes(held.AsSpan()));
            parts[i] = new Part(number, count, checksum, held);
        }

        return new LogCheckpoint(identity, step, shift, parts);
    }
}
