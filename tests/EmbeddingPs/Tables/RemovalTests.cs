using CsCheck;
using OpenEmbedding.EmbeddingPs.Initializers;
using OpenEmbedding.EmbeddingPs.Optimizers;
using OpenEmbedding.EmbeddingPs.Tables;

namespace OpenEmbedding.EmbeddingPs.Tests.Tables;

/// <summary>Rows that go.</summary>
public class RemovalTests
{
    private const int Vocabulary = 3000;

    [Theory]
    [InlineData(TableKind.Array)]
    [InlineData(TableKind.Hash)]
    public void TheOthersStayAndThoseThatWentBeginAnew(TableKind kind)
    {
        var options = Options(kind);
        Gen.Select(Gen.Long[0, Vocabulary - 1], Gen.Bool).Array[0, 700].Array[1, 6].Sample(
            batches =>
            {
                using var table = EmbeddingTable.Create(options, 0, 1);
                using var untrained = EmbeddingTable.Create(options, 0, 1);
                var expected = new SortedDictionary<long, float[]>();
                long removed = 0;
                foreach (var batch in batches)
                {
                    // Repeats, and keys that have no row.
                    long[] leaving = [.. batch.Where(change => change.Item2).Select(change => change.Item1)];
                    removed += leaving.Distinct().Count(expected.ContainsKey);
                    table.Remove(leaving);
                    Array.ForEach(leaving, key => expected.Remove(key));
                    Assert.All(table.Find(leaving), row => Assert.Equal(-1, row));
                    long[] trained = [.. batch.Where(change => !change.Item2).Select(change => change.Item1).Distinct()];
                    table.Apply(table.FindOrAdd(trained), [.. trained.SelectMany(_ => new float[] { 1, 2, 3 })]);
                    foreach (long key in trained)
                    {
                        float[] before = expected.GetValueOrDefault(key) ?? untrained.Read(key);
                        expected[key] = [before[0] - 1, before[1] - 2, before[2] - 3];
                    }
                }

                Assert.Equal((expected.Count, removed), (table.RowCount, table.RowsRemoved));
                var stored = table.ScanAll(50);
                Assert.Equal(expected.Keys, stored.Keys);
                Assert.Equal(expected.Values.SelectMany(row => row), stored.Values.SelectMany(row => row));
            },
            iter: 60);
    }

    [Fact]
    public void RowsThatWentAreUsedAgain()
    {
        using var table = EmbeddingTable.Create(Options(TableKind.Hash), 0, 1);
        long bytes = 0;
        for (long first = 0; first < 100_000; first += 1000)
        {
            long[] keys = [.. Enumerable.Range(0, 1000).Select(i => first + i)];
            Assert.Equal(1000, table.FindOrAdd(keys).Distinct().Count());
            bytes = bytes == 0 ? table.MemoryBytes : bytes;
            Assert.Equal(bytes, table.MemoryBytes);
            table.Remove(keys);
        }

        Assert.Equal(0, table.RowCount);
    }

    private static TableOptions Options(TableKind kind) => new()
    {
        Name = "table",
        Kind = kind,
        Vocabulary = Vocabulary,
        Dimension = 3,
        Initializer = new RandomNormalOptions(),
        Optimizer = new SgdOptions { LearningRate = 1 },
    };
}
