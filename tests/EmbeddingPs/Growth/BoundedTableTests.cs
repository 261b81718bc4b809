using OpenEmbedding.Collectives;
using OpenEmbedding.EmbeddingPs.Growth;
using OpenEmbedding.EmbeddingPs.Initializers;
using OpenEmbedding.EmbeddingPs.Optimizers;
using OpenEmbedding.EmbeddingPs.Storage;
using OpenEmbedding.EmbeddingPs.Tables;
using OpenEmbedding.EmbeddingPs.Tests.Tables;

namespace OpenEmbedding.EmbeddingPs.Tests.Growth;

/// <summary>One table whose growth is bounded.</summary>
public class BoundedTableTests
{
    [Fact]
    public void WithoutBoundsARowHasNoMoreBytes()
    {
        using var free = Create(null);
        using var counting = Create(new GrowthOptions { MinCount = 3 });
        using var aging = Create(new GrowthOptions { MaxIdleSteps = 3 });
        Assert.Equal(["weights", "accumulator"], free.Columns().Select(column => column.Name));
        Assert.Equal((24, 24, 28), (free.StoredBytes, counting.StoredBytes, aging.StoredBytes));
        Assert.Equal(new RowColumn(RowColumn.LastStep, 24, 1, IsCount: true), aging.Columns()[^1]);
    }

    [Fact]
    public void AKeyGetsItsRowInTheStepThatTrainsItForTheThirdTime()
    {
        using var table = Create(new GrowthOptions { MinCount = 3 });
        Assert.Equal([-1], Step(table, 1, [7, 8], [8]));
        Assert.Equal([-1], Step(table, 2, [7]));
        Assert.Equal([(7, 2), (8, 1)], Candidates(table));
        Assert.NotEqual(-1, Assert.Single(Step(table, 3, [7], [7])));
        Assert.Equal((1, 1, 1), (table.RowCount, table.RowsAdmitted, table.CandidateCount));
    }

    [Fact]
    public void TheRarestCandidatesAreForgotten()
    {
        using var table = Create(new GrowthOptions { MinCount = 9, MaxCandidates = 6 });
        Step(table, 1, [1, 2, 3, 4, 5, 6]);
        Step(table, 2, [1, 2]);
        Assert.Equal(6, table.CandidateCount);
        Step(table, 3, [7]);
        Assert.Equal([(1, 2), (2, 2)], Candidates(table));
    }

    [Fact]
    public void CandidatesGoToTheShardsThatHoldThem()
    {
        var growth = new GrowthOptions { MinCount = 5 };
        using var table = Create(growth);
        Step(table, 1, [.. Enumerable.Range(0, 100)]);
        Step(table, 2, [.. Enumerable.Range(0, 50)]);
        var (keys, counts) = table.ExportCandidates();
        using var first = Create(growth, 0, 2);
        using var second = Create(growth with { MinCount = 2 }, 1, 2);
        first.ImportCandidates(keys, counts);
        second.ImportCandidates(keys, counts);
        Assert.Equal(100, first.CandidateCount + second.CandidateCount);
        Assert.All(Candidates(first), candidate =>
        {
            Assert.Equal(0, Sharding.ShardOf(TableKind.Hash, candidate.Key, 2));
            Assert.Equal(candidate.Key < 50 ? 2 : 1, candidate.Count);
        });
        Assert.All(second.ExportCandidates().Counts, count => Assert.Equal(1, count));
        using var free = Create(null);
        free.ImportCandidates(keys, counts);
        Assert.Empty(free.ExportCandidates().Keys);
    }

    [Fact]
    public void RowsGoByAgeByNormAndByNumber()
    {
        using var aged = Create(new GrowthOptions { MaxIdleSteps = 2, SweepEverySteps = 2 });
        Step(aged, 1, [1]);
        Step(aged, 2, [2]);
        Assert.Equal(2, aged.RowCount);
        Step(aged, 3, [3]);
        Step(aged, 4);
        Assert.Equal([3], aged.ScanAll(9).Keys);

        using var small = Create(new GrowthOptions { MinNorm = 1, MinNormIdleSteps = 1, SweepEverySteps = 1 });
        Train(small, 1, 10, 1);
        Train(small, 2, 0.001f, 2);
        Assert.Equal([1, 2], small.ScanAll(9).Keys);
        Step(small, 3);
        Assert.Equal([1], small.ScanAll(9).Keys);

        using var full = Create(new GrowthOptions { MaxRows = 10, WhenFull = FullTable.Evict, SweepEverySteps = 1 });
        Step(full, 1, [5, 3, 4]);
        Step(full, 2, [11, 12, 13, 14, 15, 16, 17]);
        Assert.Equal(10, full.RowCount);
        Step(full, 3, [3, 20]);
        Assert.Equal([3, 11, 12, 13, 14, 15, 16, 17, 20], full.ScanAll(20).Keys);
        Assert.Equal((9, 2), (full.RowCount, full.RowsRemoved));
    }

    [Theory]
    [InlineData(1000L, null, "max_rows = 1000")]
    [InlineData(null, 1, "max_mb = 1")]
    [InlineData(1_000_000L, 1, "max_mb = 1")]
    public void AFullTableIsAnError(long? rows, int? mb, string limit)
    {
        using var table = Create(new GrowthOptions { MaxRows = rows, MaxMb = mb }, 1, 2);
        long share = mb is null ? 500 : ((1 << 20) / (24 + 23) + 1) / 2;
        long[] keys = [.. Enumerable.Range(0, 1_000_000).Select(key => (long)key).Where(key => Sharding.ShardOf(TableKind.Hash, key, 2) == 1)];
        Step(table, 1, keys[..(int)share]);
        var error = Assert.Throws<OpenEmbeddingException>(() => Step(table, 2, [keys[^1]]));
        Assert.Equal(
            $"Table table: shard 1 of 2 is full with {share} rows, its share of {limit}; "
            + "raise the limit, or let rows go: when_full = \"evict\", max_idle_steps, min_norm.",
            error.Message);
        Assert.Equal(JobExitCode.Configuration, error.ExitCode);
        Assert.True(table.MemoryBytes < (3 << 20));
    }

    [Fact]
    public void AgesCountFromTheStartOfTraining()
    {
        using var table = Create(new GrowthOptions { MaxIdleSteps = 3, SweepEverySteps = 4 });
        table.StepsBefore = 7;
        table.FindOrAdd(1);
        Step(table, 1, [2]);
        Assert.Equal(2, table.RowCount);
        Step(table, 5);
        Assert.Equal(0, table.RowCount);
    }

    [Fact]
    public void WhatIsNotBoundedOrOutOfRangeIsRefused()
    {
        var options = Options(new GrowthOptions { MinCount = 2 });
        AssertRefused(
            "Table table: the growth of an array table is not bounded; its vocabulary is.",
            () => EmbeddingTable.Create(options with { Kind = TableKind.Array, Vocabulary = 5 }, 0, 1));
        AssertRefused(
            "Table table: growth is bounded in memory only, and the table has rows in files.",
            () => EmbeddingTable.Create(options, 0, 1, new TableStorage("tmp", 5)));
        AssertRefused("Table table: min_count must be 1 to 65535, not 0.", () => Create(new GrowthOptions { MinCount = 0 }));
        AssertRefused("Table table: min_norm must be at least 0, not NaN.", () => Create(new GrowthOptions { MinNorm = double.NaN }));
        AssertRefused("Table table: max_rows must be at least 1, not 0.", () => Create(new GrowthOptions { MaxRows = 0 }));
    }

    private static void AssertRefused(string message, Action action)
    {
        var error = Assert.Throws<OpenEmbeddingException>(action);
        Assert.Equal((message, JobExitCode.Configuration), (error.Message, error.ExitCode));
    }

    private static TableOptions Options(GrowthOptions? growth) => new()
    {
        Name = "table",
        Kind = TableKind.Hash,
        Dimension = 3,
        Initializer = new ConstantOptions(),
        Optimizer = new AdagradOptions { LearningRate = 1 },
        Growth = growth,
    };

    private static HashTable Create(GrowthOptions? growth, int shard = 0, int shards = 1) =>
        (HashTable)EmbeddingTable.Create(Options(growth), shard, shards);

    /// <summary>A step in which each source trains some keys.</summary>
    /// <returns>The rows of the last source.</returns>
    private static long[] Step(HashTable table, long step, params long[][] sources)
    {
        table.Step = step;
        long[] rows = [];
        foreach (long[] keys in sources)
        {
            rows = table.Find(keys);
            table.Admit(keys, rows);
            table.Apply([.. rows.Where(row => row >= 0)], new float[3 * rows.Count(row => row >= 0)]);
        }

        table.EndStep();
        return rows;
    }

    private static void Train(HashTable table, long step, float gradient, long key)
    {
        table.Step = step;
        long[] rows = table.Find(key);
        table.Admit([key], rows);
        using var gradients = new NativeArray<float>([gradient, gradient, gradient]);
        table.Apply(rows, gradients.Address);
        table.EndStep();
    }

    private static IEnumerable<(long Key, int Count)> Candidates(HashTable table)
    {
        var (keys, counts) = table.ExportCandidates();
        return keys.Zip(counts).Order();
    }
}
