using System.Globalization;
using OpenEmbedding.Trainer.Data;

namespace OpenEmbedding.Benchmarks.Cluster.Jobs;

/// <summary>A file of generated rows, made once and kept for the next time.</summary>
/// <param name="Path">The file.</param>
/// <param name="Vocabulary">Ids of each column.</param>
internal sealed record BenchData(string Path, IReadOnlyList<int> Vocabulary)
{
    private const long Seed = 1024;

    /// <summary>Finds the file, or makes it.</summary>
    /// <param name="options">Rows, exponent and folder.</param>
    /// <param name="ids">Ids of all columns together.</param>
    /// <param name="say">Takes a line before the file is made, which may take a while.</param>
    public static BenchData Prepare(BenchOptions options, int ids, Action<string> say)
    {
        var categories = new ZipfCategories(ids, options.Zipf);
        string name = string.Create(CultureInfo.InvariantCulture, $"zipf{options.Zipf}_ids{ids}_rows{options.Rows}.txt");
        string path = System.IO.Path.GetFullPath(System.IO.Path.Combine(options.DataFolder, name));
        if (!File.Exists(path))
        {
            say($"makes {path}");
            new CriteoGenerator(Seed, categories: categories).WriteFile(path, options.Rows);
        }

        return new BenchData(path, categories.Vocabulary);
    }
}
