using System.Buffers;
using System.Buffers.Binary;
using System.Text;

namespace OpenEmbedding.Trainer.Export;

/// <summary>A protobuf message that grows field by field, in memory.</summary>
/// <remarks>
/// <code>
/// field  = varint(number · 8 + kind) value
/// value  = varint                        kind 0, integers
///        | 8 bytes, the lowest first     kind 1, numbers of type double
///        | varint(length) bytes          kind 2, texts, bytes and messages
///        | 4 bytes, the lowest first     kind 5, integers of a fixed width
/// varint = groups of 7 bits, the lowest first, bit 7 set in all but the last
/// </code>
/// Source: https://protobuf.dev/programming-guides/encoding/.
/// </remarks>
internal sealed class ProtobufMessage
{
    private const int VarintKind = 0;
    private const int Fixed64Kind = 1;
    private const int LengthKind = 2;
    private const int Fixed32Kind = 5;
    private readonly ArrayBufferWriter<byte> _buffer = new();

    /// <summary>What was written so far.</summary>
    public ReadOnlySpan<byte> Bytes => _buffer.WrittenSpan;

    /// <summary>Writes an integer.</summary>
    public ProtobufMessage Integer(int field, long value)
    {
        Varint(((ulong)field << 3) | VarintKind);
        Varint((ulong)value);
        return this;
    }

    /// <summary>Writes a text in UTF-8.</summary>
    public ProtobufMessage Text(int field, string value) => Binary(field, Encoding.UTF8.GetBytes(value));

    /// <summary>Writes bytes.</summary>
    public ProtobufMessage Binary(int field, ReadOnlySpan<byte> value)
    {
        Begin(field, value.Length);
        _buffer.Write(value);
        return this;
    }

    /// <summary>Writes an integer of 4 bytes.</summary>
    public ProtobufMessage Fixed32(int field, uint value)
    {
        Varint(((ulong)field << 3) | Fixed32Kind);
        BinaryPrimitives.WriteUInt32LittleEndian(_buffer.GetSpan(sizeof(uint)), value);
        _buffer.Advance(sizeof(uint));
        return this;
    }

    /// <summary>Writes a number of 8 bytes.</summary>
    public ProtobufMessage Double(int field, double value)
    {
        Varint(((ulong)field << 3) | Fixed64Kind);
        BinaryPrimitives.WriteDoubleLittleEndian(_buffer.GetSpan(sizeof(double)), value);
        _buffer.Advance(sizeof(double));
        return this;
    }

    /// <summary>Writes a message inside this one.</summary>
    public ProtobufMessage Message(int field, ProtobufMessage value) => Binary(field, value.Bytes);

    /// <summary>Writes the beginning of a field whose bytes are written elsewhere, behind this message.</summary>
    public ProtobufMessage Begin(int field, long length)
    {
        Varint(((ulong)field << 3) | LengthKind);
        Varint((ulong)length);
        return this;
    }

    /// <summary>Writes the fields of another message as its own.</summary>
    public ProtobufMessage Append(ProtobufMessage other)
    {
        _buffer.Write(other.Bytes);
        return this;
    }

    private void Varint(ulong value)
    {
        const int GroupBits = 7;
        const ulong More = 1 << GroupBits;
        Span<byte> room = _buffer.GetSpan(10);
        int count = 0;
        for (; value >= More; value >>= GroupBits)
        {
            room[count++] = (byte)(value | More);
        }

        room[count++] = (byte)value;
        _buffer.Advance(count);
    }
}
