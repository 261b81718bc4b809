using System.Buffers;
using System.IO.Compression;
using OpenEmbedding.Collectives;
using OpenEmbedding.EmbeddingPs.Checkpoints;
using OpenEmbedding.Trainer.Configuration;

namespace OpenEmbedding.Trainer.Data.Writing;

/// <summary>Writes chunks of rows to a file, in the form that its name tells.</summary>
internal abstract class RowWriter : IDisposable
{
    /// <summary>Writes a file, which appears whole or not at all; a name that ends in <c>.gz</c> compresses it.</summary>
    /// <param name="path">The file, whose ending tells the form as for reading.</param>
    /// <param name="options">The columns.</param>
    /// <param name="write">Gives chunks to the writer.</param>
    /// <exception cref="OpenEmbeddingException">The form cannot hold the columns or a category, or the file cannot be written.</exception>
    public static void Write(string path, DataOptions options, Action<RowWriter> write)
    {
        DataFormat format = InputFiles.FormatOf(path);
        if (InputFiles.IsCompressed(path) && format is DataFormat.Parquet or DataFormat.TfRecord)
        {
            throw new OpenEmbeddingException($"{path}: not compressed as a whole; leave .gz out", JobExitCode.Configuration);
        }

        RowForm? form = format == DataFormat.Parquet ? null : RowForm.Create(format, options);
        try
        {
            WholeFile.Write(path, file =>
            {
                using Stream? compressed = InputFiles.IsCompressed(path) ? new GZipStream(file, CompressionLevel.Fastest, leaveOpen: true) : null;
                using RowWriter writer = form is null ? new ParquetRows(file, options) : new FormedRows(compressed ?? file, form);
                write(writer);
            });
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new OpenEmbeddingException($"{path}: cannot be written: {e.Message}", JobExitCode.Failure, e);
        }
    }

    /// <summary>Writes rows.</summary>
    public abstract void Write(RowChunk chunk);

    /// <inheritdoc/>
    public virtual void Dispose()
    {
    }

    /// <summary>Rows of a form, made on all cores and written in their order.</summary>
    private sealed class FormedRows : RowWriter
    {
        private const int PartRows = 2048;
        private readonly Stream _stream;
        private readonly RowForm _form;
        private readonly ArrayBufferWriter<byte>[] _parts;

        public FormedRows(Stream stream, RowForm form)
        {
            _stream = stream;
            _form = form;
            _parts = [.. Enumerable.Range(0, RowChunk.Capacity / PartRows).Select(_ => new ArrayBufferWriter<byte>())];
            stream.Write(form.Header.Span);
        }

        public override void Write(RowChunk chunk)
        {
            int parts = (chunk.Rows + PartRows - 1) / PartRows;
            try
            {
                Parallel.For(0, parts, part => Format(chunk, part));
            }
            catch (AggregateException e)
            {
                throw e.InnerExceptions[0];
            }

            foreach (ArrayBufferWriter<byte> part in _parts.AsSpan(0, parts))
            {
                _stream.Write(part.WrittenSpan);
            }
        }

        private void Format(RowChunk chunk, int part)
        {
            ArrayBufferWriter<byte> output = _parts[part];
            output.ResetWrittenCount();
            for (int row = part * PartRows; row < Math.Min(chunk.Rows, (part + 1) * PartRows); row++)
            {
                _form.Append(chunk.Labels[row], chunk.DenseOf(row), chunk.SparseOf(row), output);
            }
        }
    }
}
