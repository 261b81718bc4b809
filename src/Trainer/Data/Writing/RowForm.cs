using System.Buffers;
using System.Globalization;
using System.Text;
using OpenEmbedding.Collectives;
using OpenEmbedding.Trainer.Configuration;

namespace OpenEmbedding.Trainer.Data.Writing;

/// <summary>A form of data in which a row is written by itself: all but Parquet. What is written reads back as the same numbers, bit by bit.</summary>
/// <remarks>Any thread may write rows.</remarks>
internal abstract class RowForm
{
    /// <summary>What stands before the first row.</summary>
    public virtual ReadOnlyMemory<byte> Header => default;

    /// <summary>Makes the form of a file.</summary>
    /// <param name="format">The form; neither <see cref="DataFormat.Auto"/> nor <see cref="DataFormat.Parquet"/>.</param>
    /// <param name="options">The columns.</param>
    /// <exception cref="OpenEmbeddingException">The form does not have such columns.</exception>
    public static RowForm Create(DataFormat format, DataOptions options) => format switch
    {
        DataFormat.Csv => new CsvForm(options),
        DataFormat.TfRecord => new TfRecordForm(options),
        DataFormat.Libsvm => new SparseForm(options, hasFields: false),
        DataFormat.Libffm => new SparseForm(options, hasFields: true),
        _ => new CriteoForm(options),
    };

    /// <summary>Writes a row.</summary>
    /// <param name="label">The label.</param>
    /// <param name="dense">Its dense values, [dense columns].</param>
    /// <param name="sparse">Its categories, [slots].</param>
    /// <param name="output">Takes the bytes.</param>
    /// <exception cref="OpenEmbeddingException">The form cannot hold a category.</exception>
    public abstract void Append(float label, ReadOnlySpan<float> dense, ReadOnlySpan<long> sparse, ArrayBufferWriter<byte> output);

    /// <summary>Writes a number of text in as few digits as tell it from all others.</summary>
    protected static void Number<T>(T number, ArrayBufferWriter<byte> output, ReadOnlySpan<char> format = default)
        where T : IUtf8SpanFormattable
    {
        const int longest = 32;
        number.TryFormat(output.GetSpan(longest), out int written, format, CultureInfo.InvariantCulture);
        output.Advance(written);
    }

    /// <summary>Writes a character of ASCII.</summary>
    protected static void Character(char character, ArrayBufferWriter<byte> output)
    {
        output.GetSpan(1)[0] = (byte)character;
        output.Advance(1);
    }

    /// <summary>Refuses columns of several categories in a form that has none.</summary>
    protected static void RefuseMultiHot(DataOptions options, string form)
    {
        if (options.Sparse.FirstOrDefault(column => column.IsMultiHot) is { } several)
        {
            throw new OpenEmbeddingException($"column {several.Name} has max_length {several.MaxLength}; {form} has one category in a field", JobExitCode.Configuration);
        }
    }

    /// <summary>The UTF-8 of a text.</summary>
    protected static byte[] Utf8(string text) => Encoding.UTF8.GetBytes(text);
}
