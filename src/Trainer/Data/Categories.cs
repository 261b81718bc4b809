using System.Buffers.Text;
using System.IO.Hashing;

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
}
