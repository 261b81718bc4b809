using CsCheck;
using OpenEmbedding.Collectives;
using OpenEmbedding.Trainer.Configuration;
using OpenEmbedding.Trainer.Data;

namespace OpenEmbedding.Trainer.Tests.Data;

public sealed class ScalingTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void MinMaxSpansTheTrainingRowsAndClampsOthers()
    {
        // Of the training rows 0 to 3, I1 holds -2, empty (0) and 8, I2 is always 5, the last one is malformed and has no part in it.
        string path = Csv("-2,5", ",5", "8,5", "100,x", "3,5", "-50,7", "50,3");
        DataOptions options = Options(DenseScaling.MinMax, path) with { OnBadRow = BadRowRule.Skip };
        options = options with { Train = options.Train with { Rows = new RowRange(0, 3) } };
        DenseScale scale = DenseScale.Create(options);
        Assert.Equal([0, 0, 0.2f, 0, 1, 0], Dense(options, options.Train, scale));
        Assert.Equal([0.5f, 0, 0, 0, 1, 0], Dense(options, options.Train with { Rows = new RowRange(4, null) }, scale));
    }

    [Fact]
    public void RangesOfTrainersMergeToTheWhole()
    {
        string path = Path.Combine(_folder.Path, "rows.txt");
        new CriteoGenerator(seed: 8).WriteFile(path, 9000);
        DataOptions options = RowText.Raw(path) with { DenseScale = DenseScaling.MinMax };
        DenseRange whole = DenseRange.Read(options);
        DenseRange[] parts = [.. Enumerable.Range(0, 4).Select(trainer => DenseRange.Read(options, trainer, 4))];
        Assert.Equal(9000, whole.Rows);
        Assert.Equal([4096, 4096, 808, 0], parts.Select(part => part.Rows));
        for (int column = 0; column < 13; column++)
        {
            Assert.Equal(whole.Minimums[column], parts.Min(part => part.Minimums[column]));
            Assert.Equal(whole.Maximums[column], parts.Max(part => part.Maximums[column]));
        }
    }

    [Fact]
    public void LogarithmKeepsTheSign()
    {
        string path = Csv("0,1", "4095,4096", "-1,-3", "0.5,1e9", "1e-7,");
        DataOptions options = Options(DenseScaling.Log, path);
        double[] expected =
            [0, Math.Log(2), Math.Log(4096), Math.Log(4097), -Math.Log(2), -Math.Log(4), Math.Log(1.5), Math.Log(1e9 + 1), 1e-7, 0];
        float[] actual = Dense(options, options.Train, DenseScale.Create(options));
        Assert.Equal(expected.Length, actual.Length);
        Assert.All(expected.Zip(actual), pair => Assert.Equal(pair.First, pair.Second, Math.Abs(pair.First) * 1e-6));
    }

    [Fact]
    public void OneTerabyteConstantsAreTheReferences()
    {
        string path = _folder.Write("rows.txt", $"0\t5775\t-3\t65535\t\t1\t0\t0\t0\t0\t22\t0\t0\t7393{new string('\t', 26)}\n");
        DataOptions options = RowText.Raw(path) with { DenseScale = DenseScaling.Criteo1Tb };
        PlainRow row = Assert.Single(RowText.ReadAll(options));
        Assert.Equal([1, 0, 1, 0, 1 / 23159456f, 0, 0, 0, 0, 2, 0, 0, 1], row.Dense);

        OpenEmbeddingException error = Assert.Throws<OpenEmbeddingException>(() => DenseScale.Create(options with { Dense = ["I1"] }));
        Assert.Equal("data.dense_scale = \"criteo1tb\": needs the 13 dense columns of Criteo, data.dense has 1", error.Message);
        Assert.Equal(JobExitCode.Configuration, error.ExitCode);
    }

    [Fact]
    public void KeysAreTheMathematicalRemainders()
    {
        Gen<long> sizes = Gen.OneOf(Gen.Int[1, 100].Select(size => (long)size), Gen.Int[0, 62].Select(bits => 1L << bits));
        Gen.Select(Gen.Long.Array[6], sizes).Sample((values, vocabulary) =>
        {
            long[] modulo = [.. values], hashed = [.. values];
            Keys(SparseIds.Modulo, vocabulary).Map(modulo);
            Keys(SparseIds.Hash, vocabulary).Map(hashed);
            Int128 two63 = (Int128)1 << 63;
            for (int i = 0; i < values.Length; i++)
            {
                Assert.Equal((long)(((values[i] % (Int128)vocabulary) + vocabulary) % vocabulary), modulo[i]);
                Int128 moved = values[i] + ((Int128)((i % 3) + 1) * 1000000007);
                Assert.Equal((long)(((moved % two63) + two63) % two63), hashed[i]);
            }
        });
    }

    [Fact]
    public void EveryColumnHasItsOwnVocabulary()
    {
        Gen.Select(Gen.Long.Array[9], Gen.Long[1, 1000].Array[3]).Sample((values, sizes) =>
        {
            long[] keys = [.. values];
            Keys(SparseIds.Modulo, new Vocabulary(sizes)).Map(keys);
            for (int i = 0; i < values.Length; i++)
            {
                Assert.Equal((long)(((values[i] % (Int128)sizes[i % 3]) + sizes[i % 3]) % sizes[i % 3]), keys[i]);
            }
        });
    }

    private static SparseKeys Keys(SparseIds rule, Vocabulary vocabulary) => new(["C1", "C2", "C3"], rule, vocabulary);

    private static float[] Dense(DataOptions options, DataFiles selection, DenseScale scale)
    {
        using BatchReader reader = new(options, selection, 0, 1, 100, scale);
        Batch batch = new();
        Assert.True(reader.Read(batch));
        return batch.Dense[..(batch.Rows * batch.DenseColumns)];
    }

    private static DataOptions Options(DenseScaling scaling, string path) => new()
    {
        Train = new DataFiles { Files = [path] },
        Dense = ["I1", "I2"],
        Sparse = ["C1"],
        DenseScale = scaling,
    };

    private string Csv(params string[] rows) =>
        _folder.Write("rows.csv", "label,C1,I1,I2\n" + string.Concat(rows.Select(row => $"0,0,{row}\n")));
}
