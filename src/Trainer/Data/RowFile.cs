using OpenEmbedding.Collectives;
using OpenEmbedding.Trainer.Configuration;

namespace OpenEmbedding.Trainer.Data;

/// <summary>What became of reading a row.</summary>
internal enum RowOutcome
{
    /// <summary>The row is decoded.</summary>
    Row,

    /// <summary>There is a row but it is malformed; <see cref="RowFile.DescribeBadRow"/> tells how.</summary>
    Bad,

    /// <summary>There are no more rows.</summary>
    End,
}

/// <summary>One data file, read forward once.</summary>
/// <remarks>
/// A row is a line, a record of CSV or TensorFlow, or a row of Parquet, good or bad, an empty one too; the header of CSV is none. The raw value of a sparse field is the
/// number it holds; an empty one is <see cref="EmptyCategory"/>.
/// </remarks>
internal abstract class RowFile : IDisposable
{
    /// <summary>The raw value of an empty sparse field, the same as that of "-1".</summary>
    public const long EmptyCategory = -1;

    /// <summary>What a label must be.</summary>
    public const string LabelRule = "a number from 0 to 1";

    /// <summary>What a dense field must be.</summary>
    public const string DenseRule = "a number";

    private Stream? _source;

    /// <summary>How many bytes of the file have been read, about.</summary>
    public long BytesRead => _source is GzipFile compressed ? compressed.BytesRead : _source?.Position ?? 0;

    /// <summary>Opens a file in the form that the options tell.</summary>
    /// <param name="options">Format and columns.</param>
    /// <param name="format">The form; not <see cref="DataFormat.Auto"/>.</param>
    /// <param name="path">The file.</param>
    /// <param name="blockBytes">The size of the read buffer at first.</param>
    public static RowFile Open(DataOptions options, DataFormat format, string path, int blockBytes)
    {
        bool isText = format is not (DataFormat.TfRecord or DataFormat.Parquet);
        Stream stream = InputFiles.Open(path, isText);
        try
        {
            RowFile file = format switch
            {
                DataFormat.Csv => new CsvFile(stream, path, options, blockBytes),
                DataFormat.TfRecord => new TfRecordFile(stream, path, options, blockBytes),
                DataFormat.Parquet => new ParquetFile(stream, path, options),
                DataFormat.Libsvm => new SparseFile(new ByteLines(stream, path, blockBytes), path, options, hasFields: false),
                DataFormat.Libffm => new SparseFile(new ByteLines(stream, path, blockBytes), path, options, hasFields: true),
                _ => new CriteoFile(new ByteLines(stream, path, blockBytes), path, options),
            };
            file._source = stream;
            return file;
        }
        catch
        {
            stream.Dispose();
            throw;
        }
    }

    /// <summary>Passes over rows without decoding them; returns how many there were, fewer than asked only at the end.</summary>
    public abstract long Skip(long rows);

    /// <summary>Decodes the next row.</summary>
    /// <param name="label">Takes the label.</param>
    /// <param name="dense">Takes the dense values, unscaled, [dense columns].</param>
    /// <param name="sparse">Takes the raw values of the categories, [slots]; see <see cref="SparseSlots"/>.</param>
    public abstract RowOutcome Read(out float label, Span<float> dense, Span<long> sparse);

    /// <summary>The error for the row that was just found to be bad.</summary>
    public abstract OpenEmbeddingException DescribeBadRow();

    /// <inheritdoc/>
    public abstract void Dispose();
}
