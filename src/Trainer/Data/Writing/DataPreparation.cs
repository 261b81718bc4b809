using System.Globalization;
using OpenEmbedding.Collectives;
using OpenEmbedding.Trainer.Configuration;

namespace OpenEmbedding.Trainer.Data.Writing;

/// <summary>Writes rows anew: in another form, or with numbered categories and scaled dense values.</summary>
/// <remarks>Files are streamed. Memory is that of two chunks of rows and, for <see cref="Preprocess"/>, of the categories.</remarks>
public static class DataPreparation
{
    /// <summary>Writes <see cref="DataOptions.Train"/> to a file of another form, which reads back as the same numbers; text becomes the number that it is hashed to.</summary>
    /// <param name="options">Files, columns, and what happens at a malformed row.</param>
    /// <param name="output">The file; its ending tells the form, <c>.gz</c> compresses it.</param>
    /// <returns>What was done, in lines.</returns>
    /// <exception cref="OpenEmbeddingException">A file cannot be read or written, a row is malformed, or the form cannot hold a column or a category.</exception>
    public static string Convert(DataOptions options, string output) => Write(options, options.Train, output, "convert", _ => { });

    /// <summary>
    /// Numbers the categories of <see cref="DataOptions.Train"/> from 0, scales dense values as <see cref="DataOptions.DenseScale"/> says, and writes the rows; rows of
    /// <see cref="DataOptions.Test"/> get the same numbers and scale.
    /// </summary>
    /// <param name="options">Files, columns, scale, and what happens at a malformed row.</param>
    /// <param name="output">Takes the training rows; its ending tells the form.</param>
    /// <param name="testOutput">Takes the test rows; null where there are none.</param>
    /// <param name="fewest">How often a category must come to have a number of its own, at least 1; all others share the last one.</param>
    /// <returns>What was done, in lines, and the keys that a job on these rows wants.</returns>
    /// <exception cref="OpenEmbeddingException">As of <see cref="Convert"/>.</exception>
    public static string Preprocess(DataOptions options, string output, string? testOutput, long fewest)
    {
        var encoding = new CategoryEncoding(options);
        var range = new DenseRange(options.Dense.Count);
        Read(options, options.Train, "pass 1 of 2, counting", chunk => Parallel.Invoke(() => encoding.Count(chunk), () => Include(range, chunk)));
        encoding.Number(fewest);
        var scale = DenseScale.Create(options, range);
        string told = Write(options, options.Train, output, "pass 2 of 2, writing", Prepare);
        if (testOutput is not null)
        {
            told += Write(options, options.Test!, testOutput, "test rows", Prepare);
        }

        return told + $"--data.dense_scale none --data.vocabulary {string.Join(',', encoding.Vocabulary)}\n";

        void Prepare(RowChunk chunk)
        {
            encoding.Encode(chunk);
            scale.Apply(chunk.Dense.AsSpan(0, chunk.Rows * options.Dense.Count));
        }
    }

    private static void Include(DenseRange range, RowChunk chunk)
    {
        for (int row = 0; row < chunk.Rows; row++)
        {
            range.Include(chunk.DenseOf(row));
        }
    }

    private static (long Rows, long BadRows, TimeSpan Time) Read(DataOptions options, DataFiles files, string what, Action<RowChunk> take)
    {
        var progress = RowProgress.Through(what, files);
        using var rows = new RowChunks(options, files, progress);
        while (rows.Next() is { } chunk)
        {
            take(chunk);
        }

        progress.End();
        return (rows.Rows, rows.BadRows, progress.Elapsed);
    }

    private static string Write(DataOptions options, DataFiles files, string output, string what, Action<RowChunk> prepare)
    {
        (long Rows, long BadRows, TimeSpan Time) read = default;
        RowWriter.Write(output, options, writer => read = Read(options, files, what, chunk =>
        {
            prepare(chunk);
            writer.Write(chunk);
        }));
        string skipped = read.BadRows == 0 ? "" : string.Create(CultureInfo.InvariantCulture, $", {read.BadRows:N0} malformed left out");
        string told = string.Create(CultureInfo.InvariantCulture, $"{output}: {read.Rows:N0} rows in {read.Time.TotalSeconds:F1} s{skipped}\n");
        return InputFiles.FormatOf(output) is DataFormat.Libsvm or DataFormat.Libffm ? told + Columns(options) : told;
    }

    private static string Columns(DataOptions options)
    {
        int dense = options.Dense.Count;
        string Numbers(int first, int count) => string.Join(',', Enumerable.Range(first, count));
        return $"--data.dense {(dense == 0 ? "[]" : Numbers(1, dense))} --data.sparse {Numbers(dense + 1, options.Sparse.Count)}\n";
    }
}
