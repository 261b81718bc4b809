using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using Google.Protobuf;

namespace OpenEmbedding.Trainer.Tests.Data;

/// <summary>Writes TensorFlow's records by other means than they are read: Google's encoder and the checksum bit by bit.</summary>
internal static class TfRecords
{
    public static byte[] File(params IEnumerable<byte[]> records)
    {
        using var file = new MemoryStream();
        foreach (byte[] record in records)
        {
            byte[] length = new byte[sizeof(ulong)];
            BinaryPrimitives.WriteUInt64LittleEndian(length, (ulong)record.Length);
            file.Write(length);
            file.Write(Checksum(length));
            file.Write(record);
            file.Write(Checksum(record));
        }

        return file.ToArray();
    }

    /// <summary>An example whose values are float, long, or string, one or an array of them; numbers are packed unless told otherwise.</summary>
    public static byte[] Example(IEnumerable<(string Name, object Value)> features, bool packed = true) => Message(1, Message(
        [.. features.Select(feature => Message(1, [.. Message(1, Encoding.UTF8.GetBytes(feature.Name)), .. Message(2, Feature(feature.Value, packed))]))]));

    /// <summary>The example of a row in Criteo's form; empty fields are left out.</summary>
    public static byte[] ExampleOf(string line, bool packed = true)
    {
        string[] fields = line.Split('\t');
        return Example(Enumerable.Range(0, fields.Length).Where(i => fields[i].Length > 0).Select(Feature), packed);

        (string, object) Feature(int i) =>
            i == 0 ? ("label", long.Parse(fields[0], CultureInfo.InvariantCulture))
            : i <= 13 ? ($"I{i}", (object)float.Parse(fields[i], CultureInfo.InvariantCulture))
            : ($"C{i - 13}", long.Parse(fields[i], NumberStyles.HexNumber, CultureInfo.InvariantCulture));
    }

    private static byte[] Feature(object value, bool packed) => value switch
    {
        float number => Feature(new[] { number }, packed),
        long number => Feature(new[] { number }, packed),
        string text => Feature(new[] { text }, packed),
        float[] numbers when packed => Message(2, Message(1, Encode(output => Array.ForEach(numbers, output.WriteFloat)))),
        float[] numbers => Message(2, Encode(output => Array.ForEach(numbers, number =>
        {
            output.WriteTag(1, WireFormat.WireType.Fixed32);
            output.WriteFloat(number);
        }))),
        long[] numbers when packed => Message(3, Message(1, Encode(output => Array.ForEach(numbers, output.WriteInt64)))),
        long[] numbers => Message(3, Encode(output => Array.ForEach(numbers, number =>
        {
            output.WriteTag(1, WireFormat.WireType.Varint);
            output.WriteInt64(number);
        }))),
        string[] texts => Message(1, Message([.. texts.Select(text => Message(1, Encoding.UTF8.GetBytes(text)))])),
        _ => throw new ArgumentException($"no feature holds {value}", nameof(value)),
    };

    private static byte[] Message(int field, byte[] contents) => Encode(output =>
    {
        output.WriteTag(field, WireFormat.WireType.LengthDelimited);
        output.WriteBytes(ByteString.CopyFrom(contents));
    });

    private static byte[] Message(byte[][] fields) => [.. fields.SelectMany(field => field)];

    private static byte[] Encode(Action<CodedOutputStream> write)
    {
        using var bytes = new MemoryStream();
        using (var output = new CodedOutputStream(bytes, leaveOpen: true))
        {
            write(output);
        }

        return bytes.ToArray();
    }

    private static byte[] Checksum(byte[] bytes)
    {
        const uint Reversed = 0x82F63B78;
        uint state = uint.MaxValue;
        foreach (byte next in bytes)
        {
            state ^= next;
            for (int bit = 0; bit < 8; bit++)
            {
                state = (state & 1) == 0 ? state >> 1 : (state >> 1) ^ Reversed;
            }
        }

        state = ~state;
        byte[] result = new byte[sizeof(uint)];
        BinaryPrimitives.WriteUInt32LittleEndian(result, unchecked(((state >> 15) | (state << 17)) + 0xA282EAD8));
        return result;
    }
}
