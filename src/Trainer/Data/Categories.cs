using System.Buffers;
using System.Buffers.Text;
using System.Globalization;
using System.IO.Hashing;
using System.Text;

namespace OpenEmbedding.Trainer.Data;

/// <summary>The raw value of a category that a file holds as text.</summary>
internal static class Categories
{
    /// <summary>The upper 63 bits of the XXH3 hash (64 bits, seed 0) of a text that is no number.</summary>
    public static long OfText(ReadOnlySpan<byte> utf8) => (long)(XxHash3.HashToUInt64(utf8) >> 1);

    /// <summary>The number that a field holds, the hash of its text, or <see cref="RowFile.EmptyCategory"/>; blanks around it do not count.</summary>
    public static long Of(ReadOnlySpan<byte> utf8)
    {
        ReadOnlySpan<byte> field = utf8.Trim((byte)' ');
        return field.IsEmpty ? RowFile.EmptyCategory
            : Utf8Parser.TryParse(field, out long number, out int read) && read == field.Length && field[0] != '+' ? number
            : OfText(field);
    }

    /// <summary>As <see cref="Of(ReadOnlySpan{byte})"/>, of text in UTF-16.</summary>
    public static long Of(ReadOnlySpan<char> text)
    {
        const int OnStack = 256;
        ReadOnlySpan<char> field = text.Trim();
        if (field.IsEmpty)
        {
            return RowFile.EmptyCategory;
        }

        if (field[0] != '+' && long.TryParse(field, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long number))
        {
            return number;
        }

        int most = Encoding.UTF8.GetMaxByteCount(field.Length);
        byte[]? rented = most > OnStack ? ArrayPool<byte>.Shared.Rent(most) : null;
        Span<byte> utf8 = rented ?? stackalloc byte[OnStack];
        long hash = OfText(utf8[..Encoding.UTF8.GetBytes(field, utf8)]);
        if (rented is not null)
        {
            ArrayPool<byte>.Shared.Return(rented);
        }

        return hash;
    }
}
