using OpenEmbedding.Collectives;
using OpenEmbedding.EmbeddingPs.Initializers;
using OpenEmbedding.EmbeddingPs.Optimizers;
using OpenEmbedding.EmbeddingPs.Tables;
using OpenEmbedding.EmbeddingPs.Tests.Optimizers;

namespace OpenEmbedding.EmbeddingPs.Tests.Tables;

public class EmbeddingTableTests
{
    private static readonly TableOptions Array = new() { Name = "array", Vocabulary = 1000, Dimension = 4 };
    private static readonly TableOptions Hash = new() { Name = "hash", Kind = TableKind.Hash, Dimension = 4 };

    public static TheoryData<TableKind> Kinds => [TableKind.Array, TableKind.Hash];

    public static TheoryData<string> OptimizerNames => OptimizerCases.Names;

    [Theory]
    [MemberData(nameof(OptimizerNames))]
    public void RowsFollowTheReferenceAsOftenAsTheyAreTouched(string name)
    {
        // Row k is touched in every k-th step only; L2 pulls on touched rows alone.
        const double L2 = 0.01;
        const int Rows = 5;
        const int Dimension = 11;
        foreach (var kind in Enum.GetValues<TableKind>())
        {
            var options = new TableOptions
            {
                Name = "table",
                Kind = kind,
                Vocabulary = Rows + 1,
                Dimension = Dimension,
                ElementType = ElementType.Float64,
                Optimizer = OptimizerCases.ByName[name],
                Initializer = new ConstantOptions { Value = 0.5 },
                L2 = L2,
            };
            using var table = EmbeddingTable.Create(options, 0, 1);
            var expected = Enumerable.Repeat(0.5, Rows * Dimension).ToArray();
            var references = System.Array.ConvertAll(expected, _ => new ReferenceOptimizer(options.Optimizer));
            for (int step = 1; step <= 60; step++)
            {
                long[] keys = Enumerable.Range(1, Rows).Where(k => step % k == 0).Select(k => (long)k).ToArray();
                using var gradients = new NativeArray<double>(keys.Length * Dimension);
                for (int i = 0; i < keys.Length * Dimension; i++)
                {
                    double gradient = Math.Sin(step + 3 * i);
                    gradients.Span[i] = gradient;
                    int at = (int)(keys[i / Dimension] - 1) * Dimension + i % Dimension;
                    expected[at] = references[at].Step(expected[at], gradient + 2 * L2 * expected[at]);
                }

                table.Apply(table.FindOrAdd(keys), gradients.Address);
            }

            using var weights = new NativeArray<double>(Rows * Dimension);
            table.Read([1, 2, 3, 4, 5], weights.Address);
            for (int i = 0; i < expected.Length; i++)
            {
                Assert.Equal(expected[i], weights.Span[i], 10);
            }
        }
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void HandlesSurviveGrowthToMillions(TableKind kind)
    {
        const int Count = 3_000_000;
        const int Batch = 100_000;
        var options = Hash with { Kind = kind, Vocabulary = Count, Dimension = 1, Initializer = new ConstantOptions { Value = 2 } };
        using var table = EmbeddingTable.Create(options, 0, 1);
        var keys = new long[Count];
        var rows = new long[Count];
        for (int i = 0; i < Count; i++)
        {
            // An odd factor: distinct keys far from each other.
            keys[i] = kind == TableKind.Array ? Count - 1 - i : (long)((ulong)i * 0x9E3779B97F4A7C15 >> 1);
        }

        for (int start = 0; start < Count; start += Batch)
        {
            table.FindOrAdd(keys.AsSpan(start, Batch), rows.AsSpan(start, Batch));
        }

        Assert.Equal(Count, table.RowCount);
        Assert.InRange(table.MemoryBytes, 8L * Count, 64L * Count);
        Assert.True(table.Find(keys).AsSpan().SequenceEqual(rows));
        Assert.True(table.FindOrAdd(keys).AsSpan().SequenceEqual(rows));
        Assert.Equal(-1, table.Gather(rows).AsSpan().IndexOfAnyExcept(2f));
    }

    [Fact]
    public void AHugeVocabularyCostsNothingUntilTouched()
    {
        using var table = EmbeddingTable.Create(Array with { Vocabulary = 1L << 40, Dimension = 64 }, 1, 3);
        Assert.Equal(0, table.MemoryBytes);
        long key = (1L << 40) - 3;
        long[] rows = table.FindOrAdd(4, key, 7);
        Assert.Equal(3, table.RowCount);
        Assert.Equal([-1], table.Find(10));
        Assert.Equal(table.Read(key), table.Gather(rows[1]));
        Assert.Equal([4, 7, key], table.ScanAll(2).Keys);
    }

    [Fact]
    public void AShardBehindTheVocabularyIsEmpty()
    {
        using var table = EmbeddingTable.Create(Array with { Vocabulary = 2 }, 2, 4);
        Assert.Empty(table.ScanAll(1));
        Assert.Throws<OpenEmbeddingException>(() => table.FindOrAdd(2));
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(1000)]
    [InlineData(long.MinValue)]
    [InlineData(long.MaxValue)]
    public void AKeyOutOfRangeOfAnArrayIsNamed(long key)
    {
        using var table = EmbeddingTable.Create(Array, 0, 1);
        var error = Assert.Throws<OpenEmbeddingException>(() => table.FindOrAdd(1, key));
        Assert.Equal($"Table array: key {key} is out of range; allowed are 0 to 999.", error.Message);
        Assert.Equal(JobExitCode.Data, error.ExitCode);
        Assert.Equal(0, table.RowCount);
        Assert.Throws<OpenEmbeddingException>(() => table.Read(key));
    }

    [Fact]
    public void ANegativeKeyOfAHashTableIsNamed()
    {
        using var table = EmbeddingTable.Create(Hash, 0, 1);
        var error = Assert.Throws<OpenEmbeddingException>(() => table.Find(-5));
        Assert.Equal("Table hash: key -5 is out of range; allowed are 0 to 9223372036854775807.", error.Message);
        Assert.Equal(JobExitCode.Data, error.ExitCode);
    }

    [Fact]
    public void AKeyOfAnotherShardIsRefused()
    {
        using var table = EmbeddingTable.Create(Array, 1, 3);
        var error = Assert.Throws<OpenEmbeddingException>(() => table.FindOrAdd(3));
        Assert.Equal("Table array: key 3 belongs to shard 0, not to shard 1 of 3.", error.Message);
    }

    [Fact]
    public void AnOptionOutOfRangeIsNamed()
    {
        AssertRefused(Array with { Dimension = 0 }, "Table array: dimension must be 1 to 4096, not 0.");
        AssertRefused(Array with { Dimension = 4097 }, "Table array: dimension must be 1 to 4096, not 4097.");
        AssertRefused(
            Array with { Vocabulary = 0 },
            "Table array: the vocabulary of an array table must be 1 to 1099511627776, not 0; a hash table takes any key.");
        AssertRefused(Hash with { ElementType = ElementType.Int32 }, "Table hash: element type must be Float32 or Float64, not Int32.");
        AssertRefused(Hash with { L2 = -1 }, "Table hash: l2 must be at least 0, not -1.");
        AssertRefused(Hash with { Optimizer = new SgdOptions { LearningRate = -1 } }, "Sgd: learning rate must be above 0, not -1.");
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void TheLargestDimensionWorks(TableKind kind)
    {
        var options = Hash with { Kind = kind, Vocabulary = 10, Dimension = 4096, Optimizer = new AdamOptions { Amsgrad = true } };
        using var table = EmbeddingTable.Create(options, 0, 1);
        long[] rows = table.FindOrAdd(0, 9);
        float[] before = table.Gather(rows);
        table.Apply(rows, Enumerable.Repeat(1f, 2 * 4096).ToArray());
        Assert.All(table.Gather(rows).Zip(before, (a, b) => a - b), moved => Assert.Equal(-0.001, moved, 6));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void EmptyBatchesDoNothing(TableKind kind)
    {
        using var table = EmbeddingTable.Create(Hash with { Kind = kind, Vocabulary = 10 }, 0, 1);
        table.FindOrAdd([], []);
        table.Gather([], 0);
        table.Read([], 0);
        table.Apply([], 0);
        using var accumulator = new GradientAccumulator(table);
        accumulator.Add([], 0);
        accumulator.Apply();
        Assert.Equal(0, table.RowCount);
        Assert.Empty(table.ScanAll(1));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void ManyRowsOfManySourcesAreSummed(TableKind kind)
    {
        // More sums than a slab has room for; in the second step there is room at once.
        const int Rows = 20_000;
        const int Sources = 5;
        var options = Hash with
        {
            Kind = kind,
            Vocabulary = Rows,
            Dimension = 9,
            Initializer = new ConstantOptions(),
            Optimizer = new SgdOptions { LearningRate = 1 },
        };
        using var table = EmbeddingTable.Create(options, 0, 1);
        using var accumulator = new GradientAccumulator(table);
        long[] rows = table.FindOrAdd([.. Enumerable.Range(0, Rows)]);
        var gradients = Enumerable.Range(1, Sources).Select(source => new NativeArray<float>(Enumerable.Repeat((float)source, 9 * Rows).ToArray())).ToArray();
        for (int step = 1; step <= 2; step++)
        {
            foreach (var source in gradients)
            {
                accumulator.Add(rows, source.Address);
            }

            accumulator.Apply();
            Assert.Equal(-1, table.Gather(rows).AsSpan().IndexOfAnyExcept(step * -15f));
        }

        System.Array.ForEach(gradients, source => source.Dispose());
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(8)]
    [InlineData(13)]
    public void ShardsGetEqualParts(int shards)
    {
        const int Keys = 100_000;
        foreach (var kind in Enum.GetValues<TableKind>())
        {
            var counts = new int[shards];
            for (long key = 0; key < Keys; key++)
            {
                counts[Sharding.ShardOf(kind, key, shards)]++;
            }

            Assert.All(counts, c => Assert.InRange(c, 0.95 * Keys / shards, 1.05 * Keys / shards));
        }
    }

    private static void AssertRefused(TableOptions options, string message)
    {
        var error = Assert.Throws<OpenEmbeddingException>(() => EmbeddingTable.Create(options, 0, 1));
        Assert.Equal(message, error.Message);
        Assert.Equal(JobExitCode.Configuration, error.ExitCode);
    }
}
