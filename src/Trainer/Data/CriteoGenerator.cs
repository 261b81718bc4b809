using System.Buffers.Text;
using System.IO.Compression;
using System.Text;
using OpenEmbedding.Collectives;
using OpenEmbedding.EmbeddingPs.Checkpoints;
using OpenEmbedding.Trainer.Configuration;

namespace OpenEmbedding.Trainer.Data;

/// <summary>
/// Writes made-up rows shaped like Criteo's: skewed categories, log-normal counts, empty fields, labels that a model can learn.
/// </summary>
/// <remarks>
/// The hidden model is the same for every seed, so a file of another seed is a test set for it. The same seed gives the same rows in both
/// formats; in CSV a category is written as a decimal number.
/// </remarks>
/// <param name="seed">Which rows.</param>
/// <param name="format">The form of the file; <see cref="DataFormat.Auto"/> goes by its name as reading does.</param>
/// <param name="categories">Other sparse columns than Criteo's; left out, those.</param>
public sealed class CriteoGenerator(long seed, DataFormat format = DataFormat.Auto, ZipfCategories? categories = null)
{
    private const int BufferBytes = 1 << 20;
    private const int LongestRow = 1024;

    /// <summary>Writes a file, which appears whole or not at all and replaces one that exists; missing folders are made, <c>.gz</c> compresses it.</summary>
    /// <param name="path">The file.</param>
    /// <param name="rows">How many rows, at least 0.</param>
    /// <exception cref="OpenEmbeddingException">The file cannot be written.</exception>
    public void WriteFile(string path, long rows)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(rows);
        try
        {
            WholeFile.Write(path, file => WriteTo(file, path, rows));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new OpenEmbeddingException($"{path}: cannot be written: {e.Message}", JobExitCode.Failure, e);
        }
    }

    private static int FormatRow(CriteoSample sample, bool isCsv, Span<byte> buffer)
    {
        byte delimiter = isCsv ? (byte)',' : CriteoRow.Tab;
        buffer[0] = sample.IsPositive ? (byte)'1' : (byte)'0';
        int length = 1;
        foreach (int count in sample.Dense)
        {
            buffer[length++] = delimiter;
            if (count != CriteoSample.EmptyCount)
            {
                Utf8Formatter.TryFormat(count, buffer[length..], out int written);
                length += written;
            }
        }

        foreach (long category in sample.Sparse)
        {
            buffer[length++] = delimiter;
            if (category != RowFile.EmptyCategory)
            {
                Utf8Formatter.TryFormat((uint)category, buffer[length..], out int written, isCsv ? default : new('x', 8));
                length += written;
            }
        }

        buffer[length++] = (byte)'\n';
        return length;
    }

    private void WriteTo(Stream file, string path, long rows)
    {
        bool isCsv = format == DataFormat.Csv || (format == DataFormat.Auto && InputFiles.FormatOf(path) == DataFormat.Csv);
        if (InputFiles.IsCompressed(path))
        {
            using GZipStream compressed = new(file, CompressionLevel.Fastest, leaveOpen: true);
            Write(compressed, rows, isCsv);
        }
        else
        {
            Write(file, rows, isCsv);
        }
    }

    private void Write(Stream stream, long rows, bool isCsv)
    {
        CriteoSampler sampler = new(seed, categories?.Columns());
        CriteoSample sample = new();
        byte[] buffer = new byte[BufferBytes];
        int used = 0;
        if (isCsv)
        {
            string[] names = ["label", .. Enumerable.Range(1, 13).Select(i => $"I{i}"), .. Enumerable.Range(1, 26).Select(i => $"C{i}")];
            used = Encoding.ASCII.GetBytes(string.Join(',', names) + '\n', buffer);
        }

        for (long row = 0; row < rows; row++)
        {
            if (used > buffer.Length - LongestRow)
            {
                stream.Write(buffer, 0, used);
                used = 0;
            }

            sampler.Draw(row, sample);
            used += FormatRow(sample, isCsv, buffer.AsSpan(used));
        }

        stream.Write(buffer, 0, used);
    }
}
