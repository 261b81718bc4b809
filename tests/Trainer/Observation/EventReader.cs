using System.Buffers.Binary;
using System.Text;

namespace OpenEmbedding.Trainer.Tests.Observation;

/// <summary>A plain reader of event files that shares nothing with the writer: bit-by-bit checksums, fields one by one.</summary>
internal static class EventReader
{
    /// <summary>What an event file says of a name at a step: one number, or a histogram's seven fields.</summary>
    public sealed record Value(long Step, string Tag, double? Scalar, IReadOnlyDictionary<int, double[]> Histogram);

    /// <summary>The data of all records, whose checksums must be right.</summary>
    public static List<byte[]> Records(byte[] file)
    {
        var records = new List<byte[]>();
        for (int at = 0; at < file.Length;)
        {
            int length = checked((int)BitConverter.ToUInt64(file, at));
            Assert.Equal(Checksum(file.AsSpan(at, 8)), BitConverter.ToUInt32(file, at + 8));
            byte[] data = file[(at + 12)..(at + 12 + length)];
            Assert.Equal(Checksum(data), BitConverter.ToUInt32(file, at + 12 + length));
            records.Add(data);
            at += 16 + length;
        }

        return records;
    }

    /// <summary>All values of a file, which begins with its version.</summary>
    public static List<Value> Read(byte[] file)
    {
        List<byte[]> records = Records(file);
        Assert.Equal("brain.Event:2", Encoding.UTF8.GetString(Fields(records[0]).Single(field => field.Number == 3).Bytes));
        var values = new List<Value>();
        foreach (byte[] record in records.Skip(1))
        {
            List<(int Number, ulong Integer, byte[] Bytes)> parts = Fields(record);
            Assert.InRange(BitConverter.ToDouble(parts.Single(field => field.Number == 1).Bytes), 1e9, 1e10);
            long step = (long)parts.Single(field => field.Number == 2).Integer;
            values.AddRange(Fields(parts.Single(field => field.Number == 5).Bytes).Select(value => ReadValue(step, Fields(value.Bytes))));
        }

        return values;
    }

    /// <summary>Masked CRC-32C, bit by bit.</summary>
    public static uint Checksum(ReadOnlySpan<byte> bytes)
    {
        uint state = uint.MaxValue;
        foreach (byte value in bytes)
        {
            state ^= value;
            for (int bit = 0; bit < 8; bit++)
            {
                state = (state >> 1) ^ ((state & 1) * 0x82F63B78);
            }
        }

        state = ~state;
        return unchecked(((state >> 15) | (state << 17)) + 0xa282ead8);
    }

    private static Value ReadValue(long step, List<(int Number, ulong Integer, byte[] Bytes)> fields)
    {
        string tag = Encoding.UTF8.GetString(fields.Single(field => field.Number == 1).Bytes);
        byte[]? scalar = fields.SingleOrDefault(field => field.Number == 2).Bytes;
        byte[]? histogram = fields.SingleOrDefault(field => field.Number == 5).Bytes;
        return new Value(
            step,
            tag,
            scalar is null ? null : BinaryPrimitives.ReadSingleLittleEndian(scalar),
            Fields(histogram ?? []).ToDictionary(field => field.Number, field => Doubles(field.Bytes)));
    }

    private static double[] Doubles(byte[] bytes) => [.. Enumerable.Range(0, bytes.Length / 8).Select(i => BitConverter.ToDouble(bytes, i * 8))];

    private static List<(int Number, ulong Integer, byte[] Bytes)> Fields(byte[] message)
    {
        var fields = new List<(int, ulong, byte[])>();
        for (int at = 0; at < message.Length;)
        {
            ulong key = Varint(message, ref at);
            int kind = (int)(key & 7);
            ulong number = kind is 0 or 2 ? Varint(message, ref at) : 0;
            int length = kind switch { 0 => 0, 1 => 8, 2 => (int)number, 5 => 4, _ => throw new InvalidDataException($"kind {kind}") };
            fields.Add(((int)(key >> 3), number, message[at..(at + length)]));
            at += length;
        }

        return fields;
    }

    private static ulong Varint(byte[] message, ref int at)
    {
        ulong value = 0;
        for (int shift = 0; ; shift += 7)
        {
            byte next = message[at++];
            value |= (ulong)(next & 127) << shift;
            if (next < 128)
            {
                return value;
            }
        }
    }
}
