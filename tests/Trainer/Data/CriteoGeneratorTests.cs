using OpenEmbedding.Collectives;
using OpenEmbedding.Trainer.Configuration;
using OpenEmbedding.Trainer.Data;
using OpenEmbedding.Trainer.Metrics;
using Xunit.Abstractions;

namespace OpenEmbedding.Trainer.Tests.Data;

public sealed class CriteoGeneratorTests(ITestOutputHelper output) : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void SeedDecidesTheBytes()
    {
        byte[] Bytes(long seed, long rows)
        {
            string path = Path.Combine(_folder.Path, "rows.txt");
            new CriteoGenerator(seed).WriteFile(path, rows);
            return File.ReadAllBytes(path);
        }

        byte[] one = Bytes(1, 5000);
        Assert.Equal(one, Bytes(1, 5000));
        Assert.Equal(one[..1000], Bytes(1, 100)[..1000]);
        Assert.NotEqual(one[..1000], Bytes(2, 100)[..1000]);
        Assert.Empty(Bytes(1, 0));
    }

    [Fact]
    public void FileAppearsWholeOrNotAtAll()
    {
        string path = _folder.Write("rows.csv", "old");
        new CriteoGenerator(seed: 1).WriteFile(path, 3);
        Assert.Equal(4, File.ReadAllLines(path).Length);
        Assert.Equal([path], Directory.GetFiles(_folder.Path));

        string absent = Path.Combine(_folder.Path, "absent", "rows.csv");
        new CriteoGenerator(seed: 1).WriteFile(absent, 3);
        Assert.Equal(4, File.ReadAllLines(absent).Length);

        string impossible = Path.Combine(path, "rows.csv");
        OpenEmbeddingException error = Assert.Throws<OpenEmbeddingException>(() => new CriteoGenerator(seed: 1).WriteFile(impossible, 3));
        Assert.StartsWith($"{impossible}: cannot be written: ", error.Message, StringComparison.Ordinal);
        Assert.Equal(JobExitCode.Failure, error.ExitCode);
    }

    [Fact]
    public void EmptySharesAndCategoriesAreAsDescribed()
    {
        const int Rows = 20_000;
        CriteoSampler sampler = new(seed: 11);
        CriteoSample sample = new();
        int[] emptyDense = new int[13], emptySparse = new int[26];
        HashSet<long>[] seen = [.. Enumerable.Range(0, 26).Select(_ => new HashSet<long>())];
        for (int row = 0; row < Rows; row++)
        {
            sampler.Draw(row, sample);
            for (int i = 0; i < 13; i++)
            {
                emptyDense[i] += sample.Dense[i] == CriteoSample.EmptyCount ? 1 : 0;
                Assert.True(sample.Dense[i] == CriteoSample.EmptyCount || sample.Dense[i] >= CriteoShape.Dense[i].Minimum);
                Assert.True(sample.Dense[i] <= CriteoShape.Dense[i].Maximum);
            }

            for (int i = 0; i < 26; i++)
            {
                emptySparse[i] += sample.Sparse[i] == RowFile.EmptyCategory ? 1 : 0;
                if (sample.Sparse[i] != RowFile.EmptyCategory)
                {
                    seen[i].Add(sample.Sparse[i]);
                }
            }
        }

        Assert.All(Enumerable.Range(0, 13), i => Assert.Equal(CriteoShape.Dense[i].EmptyShare, emptyDense[i] / (double)Rows, 0.02));
        Assert.All(Enumerable.Range(0, 26), i => Assert.Equal(CriteoShape.Sparse[i].EmptyShare, emptySparse[i] / (double)Rows, 0.02));
        Assert.All(Enumerable.Range(0, 26), i => Assert.InRange(seen[i].Count, 3, CriteoShape.Sparse[i].Cardinality));

        // The rare tails are there: of 20,000 rows of the real data about 9,500 have distinct values in C3.
        Assert.InRange(seen[2].Count, 7000, 14_000);
    }

    [Fact]
    public void ZipfIdsLieInTheirVocabularyAndFollowTheLaw()
    {
        const int Rows = 100_000;
        var categories = new ZipfCategories(1_000_000, exponent: 1.2);
        Assert.Equal(1_000_000, categories.Vocabulary.Sum());
        Assert.All(categories.Vocabulary, ids => Assert.InRange(ids, 2, 1_000_000));
        string path = Path.Combine(_folder.Path, "rows.txt");
        new CriteoGenerator(seed: 1, categories: categories).WriteFile(path, Rows);

        DataOptions options = RowText.Raw(path);
        int[][] counts = [.. categories.Vocabulary.Select(ids => new int[ids])];
        foreach (PlainRow row in RowText.ReadAll(options))
        {
            for (int column = 0; column < counts.Length; column++)
            {
                counts[column][row.Sparse[column]]++;
            }
        }

        // Of the largest column, C3: the density x^-1.2 on [1, n + 1) gives the k-th most frequent id this share.
        int n = categories.Vocabulary[2];
        int[] sorted = [.. counts[2].OrderDescending()];
        foreach (int k in new[] { 1, 2, 10, 100 })
        {
            double share = (Math.Pow(k, -0.2) - Math.Pow(k + 1, -0.2)) / (1 - Math.Pow(n + 1.0, -0.2));
            Assert.Equal(share * Rows, sorted[k - 1], 6 * Math.Sqrt(share * Rows));
        }

        // Neighbours in frequency are no neighbours in the table.
        int first = Array.IndexOf(counts[2], sorted[0]), second = Array.IndexOf(counts[2], sorted[1]);
        Assert.True(Math.Abs(first - second) > 1000, $"ids {first} and {second}");
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(10)]
    [InlineData(1000)]
    [InlineData(65536)]
    public void CategoryNamesAreBijections(int cardinality)
    {
        CategoryNames names = CategoryNames.Within(cardinality);
        Assert.Equal(Enumerable.Range(0, cardinality), Enumerable.Range(1, cardinality).Select(rank => (int)names.Of((uint)rank)).Order());
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public void AnyExponentWorks(double exponent)
    {
        var categories = new ZipfCategories(1000, exponent);
        CriteoSampler sampler = new(seed: 1, categories.Columns());
        CriteoSample sample = new();
        for (int row = 0; row < 1000; row++)
        {
            sampler.Draw(row, sample);
            Assert.All(Enumerable.Range(0, 26), i => Assert.InRange(sample.Sparse[i], 0, categories.Vocabulary[i] - 1));
        }
    }

    [Fact]
    public void LabelsCanBeLearnt()
    {
        string train = Path.Combine(_folder.Path, "train.txt"), test = Path.Combine(_folder.Path, "test.txt");
        new CriteoGenerator(seed: 1).WriteFile(train, 40_000);
        new CriteoGenerator(seed: 2).WriteFile(test, 10_000);
        DataOptions options = RowText.Raw(train) with { DenseScale = DenseScaling.Log, SparseIds = SparseIds.Hash };

        BinaryMetrics metrics = new(), hidden = new();
        HashedRegression model = new();
        foreach (PlainRow row in RowText.ReadAll(options))
        {
            model.Learn(row);
        }

        CriteoSampler sampler = new(seed: 2);
        CriteoSample sample = new();
        int place = 0;
        foreach (PlainRow row in RowText.ReadAll(options with { Train = new DataFiles { Files = [test] } }))
        {
            sampler.Draw(place++, sample);
            Assert.Equal(row.Label == 1, sample.IsPositive);
            hidden.Add([(float)sample.Logit], [row.Label]);
            metrics.Add([(float)model.Logit(row)], [row.Label]);
        }

        output.WriteLine($"hidden model: AUC {hidden.Auc:F4}, log-loss {hidden.LogLoss:F4}");
        output.WriteLine($"regression: AUC {metrics.Auc:F4}, log-loss {metrics.LogLoss:F4}");
        Assert.InRange(hidden.Auc, 0.80, 0.88);
        Assert.InRange(metrics.Auc, 0.74, hidden.Auc);
    }

    /// <summary>A plain logistic regression with hashed categories and Adagrad.</summary>
    private sealed class HashedRegression
    {
        private const int Buckets = 1 << 20;
        private const double Rate = 0.05;
        private readonly double[] _weights = new double[Buckets + 14];
        private readonly double[] _squares = new double[Buckets + 14];

        public double Logit(PlainRow row) => Features(row).Sum(feature => _weights[feature.Place] * feature.Value);

        public void Learn(PlainRow row)
        {
            double gradient = (1 / (1 + Math.Exp(-Logit(row)))) - row.Label;
            foreach ((int place, double value) in Features(row))
            {
                double g = gradient * value;
                _squares[place] += g * g;
                _weights[place] -= Rate * g / Math.Sqrt(_squares[place] + 1e-6);
            }
        }

        private static IEnumerable<(int Place, double Value)> Features(PlainRow row) =>
            row.Sparse.Select(id => ((int)(unchecked((ulong)id * 0x9E3779B97F4A7C15) >> 44), 1.0))
                .Concat(row.Dense.Select((value, i) => (Buckets + i, value / 3.0)))
                .Append((Buckets + 13, 1.0));
    }
}
