using OpenEmbedding.Collectives;
using OpenEmbedding.Trainer.Configuration;
using OpenEmbedding.Trainer.Data;

namespace OpenEmbedding.Trainer.Tests.Data;

public sealed class ShufflingTests : IDisposable
{
    private const int Rows = 1003;
    private const int Buffer = 100;

    private readonly TemporaryFolder _folder = new();
    private readonly DataOptions _options;

    public ShufflingTests() => _options = RowText.Raw(Write("rows.txt", 0, Rows));

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Each_row_comes_once_within_its_block_and_in_another_order_each_pass()
    {
        long[] first = Read(_options, pass: 1);
        long[] second = Read(_options, pass: 2);

        Assert.Equal(Numbers(0, Rows), first.Order());
        Assert.Equal(Numbers(0, Rows), second.Order());
        Assert.All(first.Index(), row => Assert.Equal(row.Index / Buffer, row.Item / Buffer));
        Assert.NotEqual(first, second);
        Assert.NotEqual(first[..Buffer].Select(row => row + Buffer), first[Buffer..(2 * Buffer)]);
        Assert.NotEqual(first, Read(_options, pass: 1, seed: 8));
        Assert.Equal(first, Read(_options, pass: 1));
    }

    [Theory]
    [InlineData(2, 8)]
    [InlineData(3, 11)]
    [InlineData(4, 64)]
    public void A_step_has_the_same_rows_for_any_number_of_trainers(int trainers, int batchSize)
    {
        List<long[]> whole = Batches(_options, 0, 1, trainers * batchSize);
        List<long[]>[] parts = [.. Enumerable.Range(0, trainers).Select(trainer => Batches(_options, trainer, trainers, batchSize))];

        Assert.Equal(whole, whole.Index().Select(step => parts.SelectMany(part => step.Index < part.Count ? part[step.Index] : []).ToArray()));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(96)]
    [InlineData(100)]
    [InlineData(700)]
    [InlineData(1002)]
    [InlineData(1003)]
    public void A_pass_is_taken_up_where_it_was_left_by_any_number_of_trainers(int start)
    {
        long[] whole = Read(_options, pass: 1);

        List<long[]>[] parts = [.. Enumerable.Range(0, 3).Select(trainer => Batches(_options, trainer, 3, 7, start))];

        Assert.Equal(whole[start..], Enumerable.Range(0, Rows).SelectMany(step => parts.SelectMany(part => step < part.Count ? part[step] : [])));
    }

    [Fact]
    public void The_order_does_not_depend_on_where_files_are_cut_nor_on_their_form()
    {
        string[] parts = [Write("a.txt", 0, 150), Write("b.txt", 150, 151), Write("c.txt", 151, Rows)];
        string parquet = Path.Combine(_folder.Path, "rows.parquet");
        ParquetFiles.WriteCriteo(parquet, File.ReadAllLines(_options.Train.Files[0]), groupRows: 333);

        Assert.Equal(Read(_options, pass: 1), Read(RowText.Raw(parts), pass: 1));
        Assert.Equal(Read(_options, pass: 1), Read(RowText.Raw(parquet), pass: 1));
        DataOptions some = _options with { Train = _options.Train with { Rows = new RowRange(150, 449) } };
        Assert.Equal(Read(RowText.Raw(Write("some.txt", 150, 450)), pass: 1), Read(some, pass: 1));
    }

    [Fact]
    public void A_trainer_of_whole_files_shuffles_its_own()
    {
        string[] files = [Write("a.txt", 0, 150), Write("b.txt", 150, 300), Write("c.txt", 300, 500)];
        DataOptions options = RowText.Raw(files) with { Shard = ShardRule.Files };

        Assert.Equal([.. Numbers(0, 150), .. Numbers(300, 500)], Batches(options, 0, 2, 16).SelectMany(batch => batch).Order());
        Assert.Equal(Numbers(150, 300), Batches(options, 1, 2, 16).SelectMany(batch => batch).Order());
    }

    [Fact]
    public void A_bad_row_keeps_its_place()
    {
        string[] lines = File.ReadAllLines(_options.Train.Files[0]);
        lines[205] = "no row";
        DataOptions options = RowText.Raw(_folder.Write("bad.txt", string.Join('\n', lines) + "\n"));

        Assert.Equal(
            Batches(_options, 1, 2, 16).Select(batch => batch.Where(row => row != 205).ToArray()),
            Batches(options with { OnBadRow = BadRowRule.Skip }, 1, 2, 16));
        var failure = Assert.Throws<OpenEmbeddingException>(() => Batches(options, 0, 1, 16));
        Assert.StartsWith($"{options.Train.Files[0]}:206: ", failure.Message, StringComparison.Ordinal);
    }

    /// <summary>Of many passes each row is as often at one place as at another: χ² of 63 degrees of freedom is below 117 in all but 1 of 20,000.</summary>
    [Fact]
    public void All_places_are_as_likely()
    {
        const int Size = 64, Passes = 6400;
        int[,] counts = new int[Size, Size];
        for (int pass = 0; pass < Passes; pass++)
        {
            foreach ((int row, int place) in new RowShuffle(Size, 5, pass).PlacesOf(block: 3, Size).Index())
            {
                counts[row, place]++;
            }
        }

        const double Expected = (double)Passes / Size;
        Assert.All(
            new[] { 0, 1, 31, 63 },
            row => Assert.InRange(Enumerable.Range(0, Size).Sum(place => Math.Pow(counts[row, place] - Expected, 2) / Expected), 20, 117));
    }

    private static IEnumerable<long> Numbers(int first, int end) => Enumerable.Range(first, end - first).Select(number => (long)number);

    private static long[] Read(DataOptions options, int pass, long seed = 7) =>
        [.. Batches(options, 0, 1, 16, pass: pass, seed: seed).SelectMany(batch => batch)];

    private static List<long[]> Batches(DataOptions options, int trainer, int trainers, int batchSize, long start = 0, int pass = 1, long seed = 7)
    {
        using var reader = new BatchReader(
            options, options.Train, trainer, trainers, batchSize, DenseScale.Create(options), start, new RowShuffle(Buffer, seed, pass));
        List<long[]> batches = [];
        var batch = new Batch();
        while (reader.Read(batch))
        {
            batches.Add([.. RowText.Rows(batch).Select(row => row.Sparse[0])]);
        }

        return batches;
    }

    private string Write(string name, int first, int end) =>
        _folder.Write(name, string.Concat(Numbers(first, end).Select(row => RowText.Numbered(row) + "\n")));
}
