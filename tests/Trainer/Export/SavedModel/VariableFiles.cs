using System.Buffers.Binary;
using System.Text;

namespace OpenEmbedding.Trainer.Tests.Export.SavedModel;

/// <summary>Reads the variables of a SavedModel back, and compares all checksums on the way.</summary>
internal static class VariableFiles
{
    /// <summary>The types, shapes and bytes by name.</summary>
    public static Dictionary<string, (long Type, int[] Shape, byte[] Bytes)> Read(string folder)
    {
        byte[] index = File.ReadAllBytes(Path.Combine(folder, "variables/variables.index"));
        byte[] data = File.ReadAllBytes(Path.Combine(folder, "variables/variables.data-00000-of-00001"));
        ReadOnlySpan<byte> footer = index.AsSpan(^48..);
        Assert.Equal(0xdb4775248b80fb57, BinaryPrimitives.ReadUInt64LittleEndian(footer[40..]));
        int at = 0;
        Assert.Empty(Block(index, footer, ref at));
        var entries = new List<(string Key, byte[] Value)>();
        foreach ((string last, byte[] handle) in Block(index, footer, ref at))
        {
            int start = 0;
            entries.AddRange(Block(index, handle, ref start));
            Assert.True(string.CompareOrdinal(entries[^1].Key, last) <= 0);
        }

        Assert.Equal(entries.Select(entry => entry.Key).Order(StringComparer.Ordinal), entries.Select(entry => entry.Key));
        Assert.Equal("", entries[0].Key);
        var header = new ProtobufFields(entries[0].Value);
        Assert.Equal((1, 0, 1), (header.Number(1), header.Number(2), header.Message(3).Number(1)));
        var variables = new Dictionary<string, (long, int[], byte[])>();
        long bytes = 0;
        foreach ((string name, byte[] value) in entries.Skip(1))
        {
            var entry = new ProtobufFields(value);
            byte[] elements = data.AsSpan((int)entry.Number(4), (int)entry.Number(5)).ToArray();
            Assert.Equal(entry.Number(6), Masked(elements));
            variables.Add(name, (entry.Number(1), entry.Message(2).Shape(), elements));
            bytes += elements.Length;
        }

        Assert.Equal(data.Length, bytes);
        return variables;
    }

    /// <summary>The masked CRC-32C, bit by bit.</summary>
    public static uint Masked(ReadOnlySpan<byte> bytes)
    {
        const uint Polynomial = 0x82f63b78;
        uint state = uint.MaxValue;
        foreach (byte one in bytes)
        {
            state ^= one;
            for (int bit = 0; bit < 8; bit++)
            {
                state = (state & 1) != 0 ? (state >> 1) ^ Polynomial : state >> 1;
            }
        }

        state = ~state;
        return unchecked(((state >> 15) | (state << 17)) + 0xa282ead8);
    }

    private static List<(string Key, byte[] Value)> Block(byte[] file, ReadOnlySpan<byte> handle, ref int at)
    {
        int start = (int)ProtobufFields.Varint(handle, ref at);
        int length = (int)ProtobufFields.Varint(handle, ref at);
        Assert.Equal(0, file[start + length]);
        Assert.Equal(Masked(file.AsSpan(start, length + 1)), BinaryPrimitives.ReadUInt32LittleEndian(file.AsSpan(start + length + 1)));
        ReadOnlySpan<byte> block = file.AsSpan(start, length);
        int starts = BinaryPrimitives.ReadInt32LittleEndian(block[^4..]);
        int end = length - (4 * (starts + 1));
        Assert.Equal(0, BinaryPrimitives.ReadInt32LittleEndian(block[end..]));
        var entries = new List<(string, byte[])>();
        string key = "";
        for (int position = 0; position < end;)
        {
            Assert.Equal(position, BinaryPrimitives.ReadInt32LittleEndian(block[(end + (4 * entries.Count))..]));
            int shared = (int)ProtobufFields.Varint(block, ref position);
            int more = (int)ProtobufFields.Varint(block, ref position);
            int value = (int)ProtobufFields.Varint(block, ref position);
            key = key[..shared] + Encoding.ASCII.GetString(block.Slice(position, more));
            entries.Add((key, block.Slice(position + more, value).ToArray()));
            position += more + value;
        }

        return entries;
    }
}
