using System.Buffers.Binary;
using System.Text;

namespace OpenEmbedding.Trainer.Tests.Export.SavedModel;

/// <summary>The fields of a protobuf message.</summary>
internal sealed class ProtobufFields
{
    private readonly List<(int Field, long Number, ReadOnlyMemory<byte> Bytes)> _fields = [];

    public ProtobufFields(ReadOnlyMemory<byte> message)
    {
        int at = 0;
        while (at < message.Length)
        {
            ulong key = Varint(message.Span, ref at);
            long number = 0;
            ReadOnlyMemory<byte> bytes = default;
            switch (key & 7)
            {
                case 0:
                    number = (long)Varint(message.Span, ref at);
                    break;
                case 2:
                    int length = checked((int)Varint(message.Span, ref at));
                    bytes = message.Slice(at, length);
                    at += length;
                    break;
                case 5:
                    number = BinaryPrimitives.ReadUInt32LittleEndian(message.Span[at..]);
                    at += sizeof(uint);
                    break;
                default:
                    throw new InvalidDataException($"kind {key & 7} of a field");
            }

            _fields.Add(((int)(key >> 3), number, bytes));
        }
    }

    public static ulong Varint(ReadOnlySpan<byte> bytes, ref int at)
    {
        ulong value = 0;
        for (int shift = 0; ; shift += 7)
        {
            byte group = bytes[at++];
            value |= (ulong)(group & 0x7f) << shift;
            if (group < 0x80)
            {
                return value;
            }
        }
    }

    public bool Has(int field) => _fields.Exists(one => one.Field == field);

    /// <summary>A number, 0 if it is not there.</summary>
    public long Number(int field) => _fields.LastOrDefault(one => one.Field == field).Number;

    public long[] Numbers(int field) => [.. _fields.Where(one => one.Field == field).Select(one => one.Number)];

    public ReadOnlyMemory<byte> Bytes(int field) => _fields.Last(one => one.Field == field).Bytes;

    public string Text(int field) => Encoding.UTF8.GetString(Bytes(field).Span);

    public string[] Texts(int field) => [.. _fields.Where(one => one.Field == field).Select(one => Encoding.UTF8.GetString(one.Bytes.Span))];

    public ProtobufFields Message(int field) => new(Bytes(field));

    public ProtobufFields[] Messages(int field) => [.. _fields.Where(one => one.Field == field).Select(one => new ProtobufFields(one.Bytes))];

    /// <summary>A map from texts to messages.</summary>
    public Dictionary<string, ProtobufFields> Map(int field) => Messages(field).ToDictionary(entry => entry.Text(1), entry => entry.Message(2));

    /// <summary>This message, a <c>TensorShapeProto</c>, as its dimensions.</summary>
    public int[] Shape() => [.. Messages(2).Select(dimension => (int)dimension.Number(1))];
}
