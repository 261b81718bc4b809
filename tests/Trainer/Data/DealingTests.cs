using CsCheck;
using OpenEmbedding.Collectives;
using OpenEmbedding.Trainer.Configuration;
using OpenEmbedding.Trainer.Data;

namespace OpenEmbedding.Trainer.Tests.Data;

public sealed class DealingTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void StepHoldsTheSameRowsForAnyNumberOfTrainers() =>
        Gen.Select(Gen.Int[0, 40].Array[1, 4], Gen.Int[1, 3], Gen.Int[1, 4], Gen.Int[0, 30], Gen.Int[-1, 60], Gen.Int[1, 7]).Sample(
            (filesOfRows, batchSize, trainers, first, count, badEvery) =>
            {
                // Row i is malformed if it is a multiple of badEvery, so that skipping is part of it.
                int next = 0;
                string NextLine() => (badEvery > 1 && next % badEvery == 0 ? $"bad {next++}" : RowText.Numbered(next++)) + "\n";
                string File(int rows) => string.Concat(Enumerable.Range(0, rows).Select(_ => NextLine()));
                string[] files = [.. filesOfRows.Select((rows, i) => _folder.Write($"{i}.txt", File(rows)))];
                int last = count < 0 ? next : Math.Min(next, first + count + 1);
                DataOptions options = RowText.Raw(files) with { OnBadRow = BadRowRule.Skip };
                DataFiles selection = options.Train with { Rows = new RowRange(first, count < 0 ? null : first + count) };
                if (last <= first)
                {
                    Assert.Throws<OpenEmbeddingException>(() => Steps(options, selection, 0, trainers, batchSize, out _));
                    return;
                }

                int globalBatch = batchSize * trainers;
                long badRows = 0;
                List<List<int>>[] dealt = [.. Enumerable.Range(0, trainers).Select(trainer =>
                {
                    List<List<int>> steps = Steps(options, selection, trainer, trainers, batchSize, out long bad);
                    badRows += bad;
                    return steps;
                })];
                int[] wanted = [.. Enumerable.Range(first, last - first)];
                bool IsGood(int row) => badEvery == 1 || row % badEvery != 0;
                for (int step = 0; step * globalBatch < wanted.Length; step++)
                {
                    IEnumerable<int> rows = wanted.Skip(step * globalBatch).Take(globalBatch).Where(IsGood);
                    Assert.Equal(rows, dealt.SelectMany(steps => step < steps.Count ? steps[step] : []));
                }

                Assert.Equal(wanted.Count(row => !IsGood(row)), badRows);
                Assert.Equal((wanted.Length + globalBatch - 1) / globalBatch, dealt.Max(steps => steps.Count));
            },
            iter: 200,
            threads: 1);

    [Fact]
    public void FilesGoToTrainersInTurn()
    {
        static string Two(int first) => $"{RowText.Numbered(first)}\n{RowText.Numbered(first + 1)}\n";
        string[] files = [.. Enumerable.Range(0, 5).Select(i => _folder.Write($"{i}.txt", Two(2 * i)))];
        DataOptions options = RowText.Raw(files) with { Shard = ShardRule.Files };
        Assert.Equal([[0, 1, 4], [5, 8, 9]], Steps(options, options.Train, 0, 2, 3, out _));
        Assert.Equal([[2, 3, 6], [7]], Steps(options, options.Train, 1, 2, 3, out _));

        DataFiles some = options.Train with { Rows = new RowRange(3, 8) };
        Assert.Equal([[4, 5, 8]], Steps(options, some, 0, 2, 3, out _));
        Assert.Equal([[3, 6, 7]], Steps(options, some, 1, 2, 3, out _));
    }

    [Theory]
    [InlineData(ShardRule.Rows)]
    [InlineData(ShardRule.Files)]
    public void TrainerWithoutRowsReadsNone(ShardRule shard)
    {
        string[] files = [_folder.Write("one.txt", RowText.Numbered(1) + "\n"), _folder.Write("empty.txt", "")];
        DataOptions options = RowText.Raw(files) with { Shard = shard };
        Assert.Equal([[1]], Steps(options, options.Train, 0, 3, 2, out _));
        Assert.Empty(Steps(options, options.Train, 1, 3, 2, out _));
        Assert.Empty(Steps(options, options.Train, 2, 3, 2, out _));
    }

    [Theory]
    [InlineData(ShardRule.Rows)]
    [InlineData(ShardRule.Files)]
    public void NoRowsAtAllIsAnError(ShardRule shard)
    {
        string[] files = [_folder.Write("a.txt", ""), _folder.Write("b.txt", "")];
        AssertNoRows($"{files[0]}: no rows", RowText.Raw(files[0]) with { Shard = shard });
        AssertNoRows($"{files[0]} and 1 more: no rows", RowText.Raw(files) with { Shard = shard });

        string some = _folder.Write("c.txt", RowText.Numbered(0) + "\n" + RowText.Numbered(1));
        DataOptions options = RowText.Raw(some) with { Shard = shard };
        AssertNoRows($"{some}: no rows in 2-", options with { Train = options.Train with { Rows = new RowRange(2, null) } });
        AssertNoRows($"{some}: no rows in 5-7", options with { Train = options.Train with { Rows = new RowRange(5, 7) } });
    }

    [Fact]
    public void BatchCanBeEmptyBeforeTheEnd()
    {
        string path = _folder.Write("rows.txt", $"x\nx\n{RowText.Numbered(2)}\n");
        DataOptions options = RowText.Raw(path) with { OnBadRow = BadRowRule.Skip };
        Assert.Equal([[], [2]], Steps(options, options.Train, 0, 1, 2, out long bad));
        Assert.Equal(2, bad);
    }

    [Fact]
    public void PassThatStoppedGoesOnWithAnyTrainersAndBatchSize() =>
        Gen.Select(Gen.Int[1, 40].Array[1, 4], Gen.Int[0, 10], Gen.Int[0, 130], Gen.Int[1, 4], Gen.Int[1, 9]).Sample(
            (filesOfRows, first, start, trainers, batchSize) =>
            {
                int next = 0;
                string File(int rows) => string.Concat(Enumerable.Range(0, rows).Select(_ => RowText.Numbered(next++) + "\n"));
                string[] files = [.. filesOfRows.Select((rows, i) => _folder.Write($"{i}.txt", File(rows)))];
                DataOptions options = RowText.Raw(files);
                DataFiles selection = options.Train with { Rows = new RowRange(first, null) };
                if (first >= next)
                {
                    return;
                }

                List<List<int>>[] dealt =
                    [.. Enumerable.Range(0, trainers).Select(trainer => Steps(options, selection, trainer, trainers, batchSize, out _, start))];
                int[] wanted = [.. Enumerable.Range(first, next - first).Skip(start)];
                for (int step = 0; step * batchSize * trainers < wanted.Length; step++)
                {
                    IEnumerable<int> rows = wanted.Skip(step * batchSize * trainers).Take(batchSize * trainers);
                    Assert.Equal(rows, dealt.SelectMany(steps => step < steps.Count ? steps[step] : []));
                }

                Assert.Equal(wanted.Length, dealt.Sum(steps => steps.Sum(step => step.Count)));
            },
            iter: 200,
            threads: 1);

    [Fact]
    public void TrainerOfFilesGoesOnInItsOwn()
    {
        static string Two(int first) => $"{RowText.Numbered(first)}\n{RowText.Numbered(first + 1)}\n";
        string[] files = [.. Enumerable.Range(0, 5).Select(i => _folder.Write($"{i}.txt", Two(2 * i)))];
        DataOptions options = RowText.Raw(files) with { Shard = ShardRule.Files };

        Assert.Equal([[5, 8, 9]], Steps(options, options.Train, 0, 2, 3, out _, start: 3));
        Assert.Equal([[7]], Steps(options, options.Train, 1, 2, 3, out _, start: 3));
        Assert.Empty(Steps(options, options.Train, 1, 2, 3, out _, start: 6));
    }

    private static void AssertNoRows(string expected, DataOptions options)
    {
        for (int trainer = 0; trainer < 3; trainer++)
        {
            OpenEmbeddingException error = Assert.Throws<OpenEmbeddingException>(() => Steps(options, options.Train, trainer, 3, 2, out _));
            Assert.Equal(expected, error.Message);
            Assert.Equal(JobExitCode.Data, error.ExitCode);
        }
    }

    private static List<List<int>> Steps(
        DataOptions options,
        DataFiles selection,
        int trainer,
        int trainers,
        int batchSize,
        out long badRows,
        long start = 0)
    {
        using BatchReader reader = new(options, selection, trainer, trainers, batchSize, DenseScale.None, start, shuffle: null, blockBytes: 256);
        List<List<int>> steps = [];
        Batch batch = new();
        while (reader.Read(batch))
        {
            steps.Add([.. RowText.Rows(batch).Select(row => (int)row.Dense[0])]);
        }

        Assert.False(reader.Read(batch));
        badRows = reader.BadRows;
        return steps;
    }
}
