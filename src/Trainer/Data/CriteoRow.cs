using System.Buffers.Binary;
using System.Buffers.Text;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Text;

namespace OpenEmbedding.Trainer.Data;

/// <summary>Decodes a line of Criteo's tab-separated form straight from its bytes.</summary>
/// <remarks>
/// <code>
/// row    = label TAB 13 × (dense TAB) 26 × (sparse TAB)     the last TAB is the caller's terminator in place of the line's end
/// label  = number from 0 to 1
/// dense  = [number]                                         usually a short integer, so that is the fast way
/// sparse = [8 hexadecimal digits]
/// </code>
/// </remarks>
internal static unsafe class CriteoRow
{
    public const int DenseColumns = 13;
    public const int SparseColumns = 26;
    public const byte Tab = (byte)'\t';

    private const int Fields = 1 + DenseColumns + SparseColumns;
    private const int LongestInteger = 18;
    private const ulong EachByte = 0x0101010101010101;

    /// <summary>Decodes a line; false when it is malformed.</summary>
    /// <param name="line">The line and its terminator, a tab; <see cref="ByteLines.Overrun"/> bytes behind it are readable.</param>
    /// <param name="length">Bytes of the line without the terminator.</param>
    /// <param name="label">Takes the label.</param>
    /// <param name="dense">Takes 13 values, 0 for an empty field.</param>
    /// <param name="sparse">Takes 26 values, <see cref="RowFile.EmptyCategory"/> for an empty field.</param>
    public static bool TryParse(byte* line, int length, out float label, float* dense, long* sparse)
    {
        // Too few fields make the loops run on into what follows the line. That is readable and harmless: every field takes at least one
        // byte, so a line is well-formed exactly if its 40th field ends at its terminator.
        byte* end = line + length;
        byte* p = line;
        if (!TryParseLabel(ref p, end, out label))
        {
            return false;
        }

        for (int i = 0; i < DenseColumns; i++)
        {
            if (TryParseShort(Unsafe.ReadUnaligned<ulong>(p), out uint value, out int digits))
            {
                dense[i] = value;
                p += digits + 1;
            }
            else if (!TryParseDense(ref p, end, out dense[i]))
            {
                return false;
            }
        }

        for (int i = 0; i < SparseColumns; i++)
        {
            if (*p == Tab)
            {
                sparse[i] = RowFile.EmptyCategory;
                p++;
            }
            else if (p[8] == Tab && TryParseHexadecimal(Unsafe.ReadUnaligned<ulong>(p), out uint value))
            {
                sparse[i] = value;
                p += 9;
            }
            else
            {
                return false;
            }
        }

        return p == end + 1;
    }

    /// <summary>Says what is wrong with a line that <see cref="TryParse"/> refused.</summary>
    public static string Describe(ReadOnlySpan<byte> line)
    {
        int fields = line.Count(Tab) + 1;
        if (fields != Fields)
        {
            return DataError.FieldCount(fields, Fields, "label, I1 to I13, C1 to C26, between tabs");
        }

        int column = 0;
        foreach (Range range in line.Split(Tab))
        {
            ReadOnlySpan<byte> field = line[range];
            (bool good, string name, string expected) = column switch
            {
                0 => (IsLabel(field), "label", RowFile.LabelRule),
                <= DenseColumns => (field.IsEmpty || IsNumber(field, out _), $"I{column}", RowFile.DenseRule),
                _ => (field.IsEmpty || IsHexadecimal(field), $"C{column - DenseColumns}", "an 8-digit hexadecimal number"),
            };
            if (!good)
            {
                return DataError.Field(name, Encoding.UTF8.GetString(field), expected);
            }

            column++;
        }

        throw new InvalidOperationException("A well-formed row was refused.");
    }

    /// <summary>Decodes 8 hexadecimal digits at once, the first digit in the lowest byte; false when one of them is none.</summary>
    internal static bool TryParseHexadecimal(ulong text, out uint value)
    {
        // Per byte, bit 7 of (b + 0x80 − low) is set if b ≥ low, as long as no byte is above 0x7F and so none carries into the next.
        ulong lower = text | (EachByte * 0x20);
        ulong isDigit = (text + (EachByte * (0x80 - '0'))) & ~(text + (EachByte * (0x80 - '9' - 1)));
        ulong isLetter = (lower + (EachByte * (0x80 - 'a'))) & ~(lower + (EachByte * (0x80 - 'f' - 1)));
        bool good = ((isDigit | isLetter) & ~text & (EachByte * 0x80)) == EachByte * 0x80 && (text & (EachByte * 0x80)) == 0;

        // Letters have bit 6 set and their low nibble counts from 1. Then pairs of nibbles join to bytes and bytes move together.
        ulong nibbles = (text & (EachByte * 0x0F)) + (((text >> 6) & EachByte) * 9);
        ulong bytes = ((nibbles << 4) | (nibbles >> 8)) & 0x00FF00FF00FF00FF;
        ulong pairs = (bytes | (bytes >> 8)) & 0x0000FFFF0000FFFF;
        value = BinaryPrimitives.ReverseEndianness((uint)(pairs | (pairs >> 16)));
        return good;
    }

    /// <summary>Decodes up to seven digits before a tab at once, none as 0, the first in the lowest byte; false when there is anything else.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool TryParseShort(ulong text, out uint value, out int digits)
    {
        // Of the bytes that are 0 only the lowest is certain, which is the one looked for.
        ulong tabs = text ^ (EachByte * Tab);
        ulong ends = (tabs - EachByte) & ~tabs & (EachByte * 0x80);
        digits = BitOperations.TrailingZeroCount(ends) >> 3;

        // Zeros in front make eight digits of any number; then neighbours join to pairs, fours and all eight.
        ulong number = (text ^ (EachByte * '0')) << (56 - (8 * digits)) << 8;
        bool good = ends != 0 && ((number | (number + (EachByte * (0x80 - 10)))) & (EachByte * 0x80)) == 0;
        number = number * ((10 << 8) + 1) >> 8;
        number = (number & 0x00FF00FF00FF00FF) * ((100 << 16) + 1) >> 16;
        value = (uint)((number & 0x0000FFFF0000FFFF) * ((10000UL << 32) + 1) >> 32);
        return good;
    }

    /// <summary>Decodes any number and its tab.</summary>
    private static bool TryParseDense(ref byte* p, byte* end, out float number)
    {
        byte* first = p;
        bool negative = *p == '-';
        p += negative ? 1 : 0;
        byte* digits = p;
        long value = 0;
        uint digit;
        while ((digit = (uint)*p - '0') <= 9)
        {
            value = (value * 10) + digit;
            p++;
        }

        long count = p - digits;
        number = negative ? -value : value;
        if (*p != Tab || count is 0 or > LongestInteger)
        {
            p = first;
            if (!TryParseNumber(ref p, end, out number))
            {
                return false;
            }
        }

        p++;
        return true;
    }

    private static bool TryParseLabel(ref byte* p, byte* end, out float label)
    {
        uint digit = (uint)*p - '0';
        if (digit <= 1 && p[1] == Tab)
        {
            label = digit;
            p += 2;
            return true;
        }

        bool good = TryParseNumber(ref p, end, out label) && label is >= 0 and <= 1;
        p++;
        return good;
    }

    /// <summary>Decodes any decimal number up to the next tab, the slow way, and moves there.</summary>
    private static bool TryParseNumber(ref byte* p, byte* end, out float value)
    {
        value = 0;
        if (p >= end)
        {
            return false;
        }

        ReadOnlySpan<byte> rest = new(p, (int)(end - p));
        int tab = rest.IndexOf(Tab);
        ReadOnlySpan<byte> field = tab < 0 ? rest : rest[..tab];
        p += field.Length;
        return IsNumber(field, out value);
    }

    private static bool IsNumber(ReadOnlySpan<byte> field, out float value) =>
        Utf8Parser.TryParse(field, out value, out int consumed) && consumed == field.Length && float.IsFinite(value);

    private static bool IsLabel(ReadOnlySpan<byte> field) => IsNumber(field, out float value) && value is >= 0 and <= 1;

    private static bool IsHexadecimal(ReadOnlySpan<byte> field) =>
        field.Length == 8 && TryParseHexadecimal(BinaryPrimitives.ReadUInt64LittleEndian(field), out _);
}
