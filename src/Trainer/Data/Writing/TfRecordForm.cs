using System.Buffers;
using System.Buffers.Binary;
using System.Numerics;
using OpenEmbedding.Trainer.Configuration;

namespace OpenEmbedding.Trainer.Data.Writing;

/// <summary>TensorFlow's records of <c>tf.Example</c>: the label and dense columns as floats, categories as int64, empty ones left out.</summary>
/// <remarks>
/// Every message is preceded by its length, so lengths are added up first, from the inside:
/// <code>
/// record  = length(uint64) checksum(length) example checksum(example)
/// example = 0A length features           features = (0A length entry)…
/// entry   = 0A length name 12 length feature
/// feature = 12 06 0A 04 float            or 1A length list
/// list    = (08 varint)…
/// </code>
/// See <see cref="TfRecordFile"/> and <see cref="ExampleReader"/>.
/// </remarks>
internal sealed class TfRecordForm(DataOptions options) : RowForm
{
    private const byte Nested = 0x0A;
    private const byte Value = 0x12;
    private const byte Int64List = 0x1A;
    private const byte Int64 = 0x08;

    private readonly SparseSlots _slots = new(options.Sparse);

    // The entries of the label and of the dense columns, but for the number in their last bytes.
    private readonly byte[][] _numbers = [.. new[] { options.Label }.Concat(options.Dense).Select(NumberEntry)];
    private readonly byte[][] _names = [.. options.Sparse.Select(column => Name(column.Name))];

    /// <inheritdoc/>
    public override void Append(float label, ReadOnlySpan<float> dense, ReadOnlySpan<long> sparse, ArrayBufferWriter<byte> output)
    {
        int features = _numbers.Sum(entry => entry.Length);
        for (int column = 0; column < _names.Length; column++)
        {
            if (CategoriesOf(column, sparse) is { IsEmpty: false } categories)
            {
                features += WithLength(EntryLength(column, ListLength(categories)));
            }
        }

        Span<byte> header = output.GetSpan(sizeof(ulong) + sizeof(uint));
        BinaryPrimitives.WriteUInt64LittleEndian(header, (ulong)WithLength(features));
        BinaryPrimitives.WriteUInt32LittleEndian(header[sizeof(ulong)..], Crc32C.Masked(header[..sizeof(ulong)]));
        output.Advance(sizeof(ulong) + sizeof(uint));
        int start = output.WrittenCount;
        Begin(Nested, features, output);
        AppendNumber(_numbers[0], label, output);
        for (int column = 0; column < dense.Length; column++)
        {
            AppendNumber(_numbers[1 + column], dense[column], output);
        }

        for (int column = 0; column < _names.Length; column++)
        {
            if (CategoriesOf(column, sparse) is { IsEmpty: false } categories)
            {
                AppendCategories(column, categories, output);
            }
        }

        uint checksum = Crc32C.Masked(output.WrittenSpan[start..]);
        BinaryPrimitives.WriteUInt32LittleEndian(output.GetSpan(sizeof(uint)), checksum);
        output.Advance(sizeof(uint));
    }

    private static byte[] NumberEntry(string column)
    {
        byte[] name = Name(column);
        byte[] feature = [Value, 2 + 2 + sizeof(float), 0x12, 2 + sizeof(float), Nested, sizeof(float), .. new byte[sizeof(float)]];
        var entry = new ArrayBufferWriter<byte>();
        Begin(Nested, name.Length + feature.Length, entry);
        entry.Write(name);
        entry.Write(feature);
        return entry.WrittenSpan.ToArray();
    }

    private static byte[] Name(string column)
    {
        byte[] utf8 = Utf8(column);
        var name = new ArrayBufferWriter<byte>();
        Begin(Nested, utf8.Length, name);
        name.Write(utf8);
        return name.WrittenSpan.ToArray();
    }

    private static void AppendNumber(byte[] entry, float number, ArrayBufferWriter<byte> output)
    {
        Span<byte> room = output.GetSpan(entry.Length);
        entry.CopyTo(room);
        BinaryPrimitives.WriteSingleLittleEndian(room[(entry.Length - sizeof(float))..], number);
        output.Advance(entry.Length);
    }

    private static void Begin(byte tag, int length, ArrayBufferWriter<byte> output)
    {
        Character((char)tag, output);
        Varint((ulong)length, output);
    }

    private static void Varint(ulong value, ArrayBufferWriter<byte> output)
    {
        Span<byte> room = output.GetSpan(10);
        int count = 0;
        for (; value >= 0x80; value >>= 7)
        {
            room[count++] = (byte)(value | 0x80);
        }

        room[count++] = (byte)value;
        output.Advance(count);
    }

    private static int VarintLength(ulong value) => 1 + (Math.Max(0, 63 - BitOperations.LeadingZeroCount(value)) / 7);

    // Of a nested message with its tag and its length.
    private static int WithLength(int length) => 1 + VarintLength((ulong)length) + length;

    private static int ListLength(ReadOnlySpan<long> categories)
    {
        int length = 0;
        foreach (long category in categories)
        {
            length += 1 + VarintLength((ulong)category);
        }

        return length;
    }

    private int EntryLength(int column, int list) => _names[column].Length + WithLength(WithLength(list));

    private void AppendCategories(int column, ReadOnlySpan<long> categories, ArrayBufferWriter<byte> output)
    {
        int list = ListLength(categories);
        Begin(Nested, EntryLength(column, list), output);
        output.Write(_names[column]);
        Begin(Value, WithLength(list), output);
        Begin(Int64List, list, output);
        foreach (long category in categories)
        {
            Character((char)Int64, output);
            Varint((ulong)category, output);
        }
    }

    private ReadOnlySpan<long> CategoriesOf(int column, ReadOnlySpan<long> sparse)
    {
        ReadOnlySpan<long> slots = sparse.Slice(_slots.FirstOf(column), _slots.WidthOf(column));
        int empty = slots.IndexOf(SparseSlots.Empty);
        return empty < 0 ? slots : slots[..empty];
    }
}
