using System.Buffers.Binary;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using OpenEmbedding.Trainer.Configuration;

namespace OpenEmbedding.Trainer.Data;

/// <summary>Takes the columns of a row out of a serialized <c>tf.Example</c>, without objects in between.</summary>
/// <remarks>
/// Source: <c>tensorflow/core/example/example.proto</c> and <c>feature.proto</c>: Example { features = 1 }, Features { map&lt;string, Feature&gt; = 1 },
/// Feature { bytes_list = 1, float_list = 2, int64_list = 3 }, lists { repeated value = 1 }, numbers packed or not.
/// </remarks>
internal sealed class ExampleReader
{
    private const int Varint = 0;
    private const int Fixed64 = 1;
    private const int Delimited = 2;
    private const int Fixed32 = 5;

    private readonly DataOptions _options;

    // The label, the dense columns, the sparse ones.
    private readonly string[] _names;
    private readonly byte[][] _keys;
    private readonly SparseSlots _slots;
    private readonly float[] _missing;

    // By the place of a feature in a record the column it had in the record before: most files have one order.
    private readonly List<int> _order = [];
    private readonly bool[] _seen;

    public ExampleReader(DataOptions options)
    {
        _options = options;
        _names = [options.Label, .. options.Dense, .. options.Sparse.Select(column => column.Name)];
        _slots = new SparseSlots(options.Sparse);
        _missing = options.MissingDense;
        _keys = [.. _names.Select(Encoding.UTF8.GetBytes)];
        _seen = new bool[_keys.Length];
    }

    /// <summary>Reads a row; a feature that is missing, or has no value, has the column's default, or is an empty category.</summary>
    /// <param name="example">The message.</param>
    /// <param name="label">Takes the label.</param>
    /// <param name="dense">Takes the dense values, [dense columns].</param>
    /// <param name="sparse">Takes the raw values of the categories, [slots].</param>
    /// <returns>What is wrong; null when nothing is.</returns>
    public string? Read(ReadOnlySpan<byte> example, out float label, Span<float> dense, Span<long> sparse)
    {
        label = 0;
        _missing.CopyTo(dense);
        sparse.Fill(RowFile.EmptyCategory);
        Array.Clear(_seen);
        try
        {
            int place = 0;
            while (TryNext(ref example, 1, out ReadOnlySpan<byte> features))
            {
                while (TryNext(ref features, 1, out ReadOnlySpan<byte> entry))
                {
                    if (ReadEntry(entry, place++, ref label, dense, sparse) is { } problem)
                    {
                        return problem;
                    }
                }
            }
        }
        catch (WireException)
        {
            return "not a tf.Example";
        }

        return _seen[0] ? null : DataError.Field(_names[0], "", RowFile.LabelRule);
    }

    private string? ReadEntry(ReadOnlySpan<byte> entry, int place, ref float label, Span<float> dense, Span<long> sparse)
    {
        TryNext(ref entry, 1, out ReadOnlySpan<byte> key);
        int column = ColumnOf(key, place);
        if (column < 0)
        {
            return null;
        }

        TryNext(ref entry, 2, out ReadOnlySpan<byte> feature);
        int sparseColumn = column - 1 - dense.Length;
        Span<long> slots = sparseColumn >= 0 ? _slots.SlotsOf(sparseColumn, sparse) : [];
        slots.Fill(RowFile.EmptyCategory);
        var value = Value.Of(feature, slots);
        if (value.Count > 1 && slots.Length <= 1)
        {
            return string.Create(CultureInfo.InvariantCulture, $"column {_names[column]} has {value.Count} values; expected one");
        }

        if (value.Count == 0)
        {
            return null;
        }

        _seen[column] = true;
        if (sparseColumn >= 0)
        {
            return value.IsCategory ? null : DataError.Field(_names[column], value.ToString(), "an integer or bytes");
        }

        bool isNumber = value.TryNumber(out float number);
        if (column > 0)
        {
            dense[column - 1] = number;
            return isNumber ? null : DataError.Field(_names[column], value.ToString(), RowFile.DenseRule);
        }

        label = number;
        return isNumber && number is >= 0 and <= 1 ? null : DataError.Field(_options.Label, value.ToString(), RowFile.LabelRule);
    }

    /// <summary>The column of a feature's name; −1 for one that nobody asked for.</summary>
    private int ColumnOf(ReadOnlySpan<byte> key, int place)
    {
        if (place < _order.Count && _order[place] >= 0 && key.SequenceEqual(_keys[_order[place]]))
        {
            return _order[place];
        }

        int column = -1;
        for (int i = 0; i < _keys.Length && column < 0; i++)
        {
            column = key.SequenceEqual(_keys[i]) ? i : -1;
        }

        while (_order.Count <= place)
        {
            _order.Add(-1);
        }

        _order[place] = column;
        return column;
    }

    /// <summary>The contents of the next delimited field of a number, if one is left. What is left of the message stays.</summary>
    private static bool TryNext(scoped ref ReadOnlySpan<byte> message, int field, out ReadOnlySpan<byte> contents)
    {
        while (!message.IsEmpty)
        {
            ulong tag = ReadVarint(ref message);
            contents = Contents(ref message, (int)(tag & 7));
            if (tag >> 3 == (ulong)field && (tag & 7) == Delimited)
            {
                return true;
            }
        }

        contents = [];
        return false;
    }

    private static ReadOnlySpan<byte> Contents(scoped ref ReadOnlySpan<byte> message, int type)
    {
        ReadOnlySpan<byte> before = message;
        ulong length;
        switch (type)
        {
            case Varint:
                ReadVarint(ref message);
                return before[..(before.Length - message.Length)];
            case Fixed64:
                length = sizeof(ulong);
                break;
            case Fixed32:
                length = sizeof(uint);
                break;
            case Delimited:
                length = ReadVarint(ref message);
                break;
            default:
                throw new WireException();
        }

        if (length > (ulong)message.Length)
        {
            throw new WireException();
        }

        ReadOnlySpan<byte> contents = message[..(int)length];
        message = message[(int)length..];
        return contents;
    }

    // Nearly all are tags and lengths of one byte.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong ReadVarint(scoped ref ReadOnlySpan<byte> message)
    {
        if (message.IsEmpty || message[0] >= 0x80)
        {
            return ReadLongVarint(ref message);
        }

        ulong value = message[0];
        message = message[1..];
        return value;
    }

    private static ulong ReadLongVarint(scoped ref ReadOnlySpan<byte> message)
    {
        const int LongestVarint = 10;
        ulong value = 0;
        for (int i = 0; i < Math.Min(message.Length, LongestVarint); i++)
        {
            value |= (ulong)(message[i] & 0x7F) << (7 * i);
            if (message[i] < 0x80)
            {
                message = message[(i + 1)..];
                return value;
            }
        }

        throw new WireException();
    }

    /// <summary>The last value of a feature, and how many there are.</summary>
    private ref struct Value
    {
        private const int Bytes = 1;
        private const int Float = 2;
        private const int Int64 = 3;

        private int _kind;
        private ReadOnlySpan<byte> _bytes;
        private float _float;
        private long _integer;
        private Span<long> _categories;

        public int Count { get; private set; }

        /// <summary>Whether the values may be categories.</summary>
        public readonly bool IsCategory => _kind != Float;

        /// <summary>Reads a feature.</summary>
        /// <param name="feature">The message.</param>
        /// <param name="categories">Takes the first of its values that are categories, the empty ones left out.</param>
        public static Value Of(ReadOnlySpan<byte> feature, Span<long> categories)
        {
            var value = new Value { _categories = categories };
            while (!feature.IsEmpty)
            {
                ulong tag = ReadVarint(ref feature);
                ReadOnlySpan<byte> list = Contents(ref feature, (int)(tag & 7));
                if ((tag & 7) == Delimited && tag >> 3 is Bytes or Float or Int64)
                {
                    value.Take((int)(tag >> 3), list);
                }
            }

            return value;
        }

        public readonly bool TryNumber(out float number)
        {
            number = _kind == Float ? _float : _integer;
            return _kind switch
            {
                Bytes => float.TryParse(_bytes, NumberStyles.Float, CultureInfo.InvariantCulture, out number) && float.IsFinite(number),
                Float => float.IsFinite(_float),
                _ => true,
            };
        }

        public override readonly string ToString() => _kind switch
        {
            Bytes => Encoding.UTF8.GetString(_bytes),
            Float => _float.ToString(CultureInfo.InvariantCulture),
            _ => _integer.ToString(CultureInfo.InvariantCulture),
        };

        private void Take(int kind, ReadOnlySpan<byte> list)
        {
            _kind = kind;
            while (!list.IsEmpty)
            {
                ulong tag = ReadVarint(ref list);
                int type = (int)(tag & 7);
                ReadOnlySpan<byte> contents = Contents(ref list, type);
                if (tag >> 3 != 1)
                {
                    continue;
                }

                if (kind == Bytes)
                {
                    _bytes = type == Delimited ? contents : throw new WireException();
                    Keep();
                    continue;
                }

                // Numbers are packed into one field, or each has one of its own.
                while (!contents.IsEmpty)
                {
                    TakeNumber(ref contents);
                    Keep();
                }
            }
        }

        private void Keep()
        {
            Count++;
            if (_categories.IsEmpty || !IsCategory)
            {
                return;
            }

            long category = _kind == Bytes ? Categories.Of(_bytes) : _integer;
            if (category != RowFile.EmptyCategory)
            {
                _categories[0] = category;
                _categories = _categories[1..];
            }
        }

        private void TakeNumber(scoped ref ReadOnlySpan<byte> contents)
        {
            if (_kind == Int64)
            {
                _integer = (long)ReadVarint(ref contents);
                return;
            }

            if (contents.Length < sizeof(float))
            {
                throw new WireException();
            }

            _float = BinaryPrimitives.ReadSingleLittleEndian(contents);
            contents = contents[sizeof(float)..];
        }
    }

    /// <summary>The bytes are no message.</summary>
    private sealed class WireException : Exception;
}
