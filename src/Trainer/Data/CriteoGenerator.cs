using System.Buffers.Text;
using System.IO.Compression;
using System.Text;
using OpenEmbedding.Collectives;
using OpenEmbedding.EmbeddingPs.Checkpoints;
using OpenEmbedding.Trainer.Configuration;
using OpenEmbedding.Trainer.Data.Writing;
using OpenEmbedding.Trainer.Metrics;

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
    private const int PartRows = 4096;
    private const int LongestRow = 1024;

    /// <summary>Writes a file, which appears whole or not at all and replaces one that exists; missing folders are made, <c>.gz</c> compresses it.</summary>
    /// <param name="path">The file.</param>
    /// <param name="rows">How many rows, at least 0.</param>
    /// <returns>The area under the ROC curve of the hidden model itself on these rows, which no trained one exceeds but by chance; NaN without rows of both labels.</returns>
    /// <exception cref="OpenEmbeddingException">The file cannot be written.</exception>
    public double WriteFile(string path, long rows)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(rows);
        var hidden = new BinaryMetrics();
        try
        {
            WholeFile.Write(path, file => WriteTo(file, path, rows, hidden));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new OpenEmbeddingException($"{path}: cannot be written: {e.Message}", JobExitCode.Failure, e);
        }

        return hidden.Auc;
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

    private void WriteTo(Stream file, string path, long rows, BinaryMetrics hidden)
    {
        bool isCsv = format == DataFormat.Csv || (format == DataFormat.Auto && InputFiles.FormatOf(path) == DataFormat.Csv);
        if (InputFiles.IsCompressed(path))
        {
            using GZipStream compressed = new(file, CompressionLevel.Fastest, leaveOpen: true);
            Write(compressed, rows, isCsv, hidden);
        }
        else
        {
            Write(file, rows, isCsv, hidden);
        }
    }

    private void Write(Stream stream, long rows, bool isCsv, BinaryMetrics hidden)
    {
        if (isCsv)
        {
            string[] names = ["label", .. Enumerable.Range(1, 13).Select(i => $"I{i}"), .. Enumerable.Range(1, 26).Select(i => $"C{i}")];
            stream.Write(Encoding.ASCII.GetBytes(string.Join(',', names) + '\n'));
        }

        // While some rows are written the next ones are drawn.
        Part[] written = Parts(), drawn = Parts();
        var progress = RowProgress.Through("generate", rows);
        Task drawing = Draw(drawn, 0);
        for (long row = 0; row < rows;)
        {
            drawing.GetAwaiter().GetResult();
            (written, drawn) = (drawn, written);
            drawing = Draw(drawn, row + written.Sum(part => (long)part.Labels.Length));
            foreach (Part part in written)
            {
                stream.Write(part.Bytes);
                hidden.Add(part.Logits, part.Labels);
                row += part.Labels.Length;
            }

            progress.Report(row, row);
        }

        progress.End();

        Part[] Parts() => [.. Enumerable.Range(0, Environment.ProcessorCount).Select(_ => new Part(new CriteoSampler(seed, categories?.Columns())))];

        Task Draw(Part[] parts, long first) => Task.Run(() => Parallel.For(0, parts.Length, i => parts[i].Draw(first + ((long)i * PartRows), rows, isCsv)));
    }

    /// <summary>Neighbouring rows, which one thread draws.</summary>
    private sealed class Part(CriteoSampler sampler)
    {
        private readonly CriteoSample _sample = new();
        private readonly byte[] _buffer = new byte[PartRows * LongestRow];
        private readonly float[] _logits = new float[PartRows];
        private readonly float[] _labels = new float[PartRows];
        private int _rows;
        private int _length;

        public ReadOnlySpan<byte> Bytes => _buffer.AsSpan(0, _length);

        /// <summary>What the hidden model says of each row.</summary>
        public ReadOnlySpan<float> Logits => _logits.AsSpan(0, _rows);

        public ReadOnlySpan<float> Labels => _labels.AsSpan(0, _rows);

        public void Draw(long first, long end, bool isCsv)
        {
            _length = 0;
            _rows = (int)Math.Clamp(end - first, 0, PartRows);
            for (int i = 0; i < _rows; i++)
            {
                sampler.Draw(first + i, _sample);
                _logits[i] = (float)_sample.Logit;
                _labels[i] = _sample.IsPositive ? 1 : 0;
                _length += FormatRow(_sample, isCsv, _buffer.AsSpan(_length));
            }
        }
    }
}
