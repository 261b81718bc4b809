using System.Buffers.Binary;
using OpenEmbedding.Trainer.Data;

namespace OpenEmbedding.Trainer.Export.SavedModel;

/// <summary>A file of sorted keys and values, small enough to have all of them in one block.</summary>
/// <remarks>
/// <code>
/// file   = block(entries) block() block(last key → handle of the entries) footer
/// block  = entry* (uint32 start of an entry)* uint32 count of starts, byte 0 (not compressed), uint32 masked CRC-32C of all before
/// entry  = varint 0 (bytes shared with the key before) varint(key bytes) varint(value bytes) key value
/// footer = handle of the second block, handle of the third, zeros up to 40 bytes, 8 bytes that mark the format
/// handle = varint(start in the file) varint(bytes without the last 5)
/// </code>
/// A block without entries has one start, 0. Source: https://github.com/google/leveldb/blob/main/doc/table_format.md.
/// </remarks>
internal static class TableFile
{
    private const ulong Magic = 0xdb4775248b80fb57;
    private const int HandlesBytes = 40;

    /// <summary>Writes the file.</summary>
    /// <param name="stream">Where to.</param>
    /// <param name="entries">Keys in ASCII and values, in any order.</param>
    public static void Write(Stream stream, IEnumerable<KeyValuePair<string, byte[]>> entries)
    {
        (byte[] Key, byte[] Value)[] sorted = [.. entries
            .OrderBy(entry => entry.Key, StringComparer.Ordinal)
            .Select(entry => (System.Text.Encoding.ASCII.GetBytes(entry.Key), entry.Value))];
        using var file = new MemoryStream();
        byte[] data = WriteBlock(file, sorted);
        byte[] nothing = WriteBlock(file, []);
        byte[] index = WriteBlock(file, [(sorted[^1].Key, data)]);
        byte[] footer = new byte[HandlesBytes + sizeof(ulong)];
        nothing.CopyTo(footer, 0);
        index.CopyTo(footer, nothing.Length);
        BinaryPrimitives.WriteUInt64LittleEndian(footer.AsSpan(HandlesBytes), Magic);
        file.Write(footer);
        file.WriteTo(stream);
    }

    /// <returns>The handle of the block.</returns>
    private static byte[] WriteBlock(MemoryStream file, IReadOnlyList<(byte[] Key, byte[] Value)> entries)
    {
        using var block = new MemoryStream();
        var starts = new List<uint>();
        foreach ((byte[] key, byte[] value) in entries)
        {
            starts.Add((uint)block.Length);
            WriteVarint(block, 0);
            WriteVarint(block, (ulong)key.Length);
            WriteVarint(block, (ulong)value.Length);
            block.Write(key);
            block.Write(value);
        }

        if (starts.Count == 0)
        {
            starts.Add(0);
        }

        starts.ForEach(start => WriteFixed(block, start));
        WriteFixed(block, (uint)starts.Count);
        using var handle = new MemoryStream();
        WriteVarint(handle, (ulong)file.Length);
        WriteVarint(handle, (ulong)block.Length);
        block.WriteByte(0);
        WriteFixed(block, Crc32C.Masked(block.ToArray()));
        block.WriteTo(file);
        return handle.ToArray();
    }

    private static void WriteFixed(MemoryStream stream, uint value)
    {
        Span<byte> bytes = stackalloc byte[sizeof(uint)];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, value);
        stream.Write(bytes);
    }

    private static void WriteVarint(MemoryStream stream, ulong value)
    {
        for (; value >= 0x80; value >>= 7)
        {
            stream.WriteByte((byte)(value | 0x80));
        }

        stream.WriteByte((byte)value);
    }
}
