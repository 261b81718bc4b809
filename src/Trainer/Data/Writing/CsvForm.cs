using System.Buffers;
using OpenEmbedding.Trainer.Configuration;

namespace OpenEmbedding.Trainer.Data.Writing;

/// <summary>Fields with commas between them, and a header. An empty category is an empty field.</summary>
internal sealed class CsvForm : RowForm
{
    private readonly SparseSlots _slots;
    private readonly byte[] _header;

    // Of each column, between the categories of a field; one with a comma or a quotation mark in it makes quotes around the field necessary.
    private readonly byte[][] _separators;
    private readonly bool[] _isQuoted;

    public CsvForm(DataOptions options)
    {
        _slots = new SparseSlots(options.Sparse);
        string[] names = [options.Label, .. options.Dense, .. options.Sparse.Select(column => column.Name)];
        _header = Utf8(string.Join(',', names.Select(name => NeedsQuotes(name) ? $"\"{Doubled(name)}\"" : name)) + '\n');
        _isQuoted = [.. options.Sparse.Select(column => column.IsMultiHot && NeedsQuotes(column.Separator))];
        _separators = [.. options.Sparse.Select((column, i) => Utf8(_isQuoted[i] ? Doubled(column.Separator) : column.Separator))];
    }

    /// <inheritdoc/>
    public override ReadOnlyMemory<byte> Header => _header;

    /// <inheritdoc/>
    public override void Append(float label, ReadOnlySpan<float> dense, ReadOnlySpan<long> sparse, ArrayBufferWriter<byte> output)
    {
        Number(label, output);
        foreach (float value in dense)
        {
            Character(',', output);
            Number(value, output);
        }

        for (int column = 0; column < _slots.Columns; column++)
        {
            Character(',', output);
            AppendField(column, sparse.Slice(_slots.FirstOf(column), _slots.WidthOf(column)), output);
        }

        Character('\n', output);
    }

    private static bool NeedsQuotes(string text) => text.AsSpan().ContainsAny(",\"\r\n");

    private static string Doubled(string text) => text.Replace("\"", "\"\"", StringComparison.Ordinal);

    private void AppendField(int column, ReadOnlySpan<long> categories, ArrayBufferWriter<byte> output)
    {
        if (_isQuoted[column])
        {
            Character('"', output);
        }

        for (int i = 0; i < categories.Length && categories[i] != SparseSlots.Empty; i++)
        {
            if (i > 0)
            {
                output.Write(_separators[column]);
            }

            Number(categories[i], output);
        }

        if (_isQuoted[column])
        {
            Character('"', output);
        }
    }
}
