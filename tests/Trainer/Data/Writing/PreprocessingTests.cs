using System.Globalization;
using OpenEmbedding.Trainer.Configuration;
using OpenEmbedding.Trainer.Data;
using OpenEmbedding.Trainer.Data.Writing;

namespace OpenEmbedding.Trainer.Tests.Data.Writing;

public sealed class PreprocessingTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void Categories_and_numbers_are_those_of_plain_tables(int fewest)
    {
        const int Rows = 2000, Train = 1500;
        string text = PathOf("rows.txt");
        new CriteoGenerator(seed: 8).WriteFile(text, Rows);
        string[][] fields = [.. File.ReadLines(text).Select(line => line.Split('\t'))];
        DataOptions options = RowText.Raw() with
        {
            Train = new DataFiles { Files = [text], Rows = new RowRange(0, Train - 1) },
            Test = new DataFiles { Files = [text], Rows = new RowRange(Train, null) },
            DenseScale = DenseScaling.MinMax,
        };

        string said = DataPreparation.Preprocess(options, PathOf("train.csv"), PathOf("test.csv"), fewest);

        (string[][] encoded, int[] vocabulary) = Encode(fields, Train, fewest);
        Assert.EndsWith($"--data.dense_scale none --data.vocabulary {string.Join(',', vocabulary)}\n", said);
        List<PlainRow> written =
            [.. RowText.ReadAll(RowText.Raw(PathOf("train.csv"))), .. RowText.ReadAll(RowText.Raw(PathOf("test.csv")))];
        Assert.Equal(Rows, written.Count);
        for (int row = 0; row < Rows; row++)
        {
            Assert.Equal(encoded[row].Select(long.Parse), written[row].Sparse);
        }

        // What a job makes of the rows itself.
        List<PlainRow> scaled =
            [.. RowText.ReadAll(options), .. Test(options with { Vocabulary = 1L << 62 })];
        Assert.Equal(scaled.SelectMany(row => row.Dense), written.SelectMany(row => row.Dense));
        Assert.Equal(scaled.Select(row => row.Label), written.Select(row => row.Label));
    }

    [Fact]
    public void Columns_that_share_rows_share_numbers()
    {
        string path = _folder.Write("rows.csv", "label,item,tags\n1,c,b|a\n0,a,\n1,b,d|a\n");
        DataOptions options = RowText.Raw(path) with { Dense = [], Sparse = ["item", new SparseColumn { Name = "tags", MaxLength = 2, Table = "item" }] };

        string said = DataPreparation.Preprocess(options, PathOf("out.csv"), null, fewest: 2);

        // "a" and "b" come more than once, in the order of their hashes; "c" and "d" have the last number.
        Assert.EndsWith("--data.vocabulary 3,3\n", said);
        (long a, long b) = Categories.Of("a") < Categories.Of("b") ? (0, 1) : (1, 0);
        Assert.Equal([[2, b, a], [a, SparseSlots.Empty, SparseSlots.Empty], [b, 2, a]], RowText.ReadAll(options with { Train = new DataFiles { Files = [PathOf("out.csv")] } }).Select(row => row.Sparse));
    }

    [Fact]
    public void The_same_rows_give_the_same_file_however_they_are_cut()
    {
        string whole = PathOf("rows.txt");
        new CriteoGenerator(seed: 8).WriteFile(whole, 500);
        string[] lines = File.ReadAllLines(whole);
        string first = _folder.Write("a.txt", string.Join('\n', lines[..100]) + "\n"), second = _folder.Write("b.txt", string.Join('\n', lines[100..]) + "\n");

        DataPreparation.Preprocess(RowText.Raw(whole), PathOf("one.csv"), null, 1);
        DataPreparation.Preprocess(RowText.Raw(first, second), PathOf("two.csv"), null, 1);

        Assert.Equal(File.ReadAllText(PathOf("one.csv")), File.ReadAllText(PathOf("two.csv")));
    }

    // As criteo_preprocess.py does it, with texts in tables: sorted, an empty one is "-1".
    private static (string[][] Encoded, int[] Vocabulary) Encode(string[][] fields, int train, int fewest)
    {
        string[][] encoded = [.. fields.Select(_ => new string[26])];
        int[] vocabulary = new int[26];
        for (int column = 0; column < 26; column++)
        {
            string[] texts = [.. fields.Select(row => row[14 + column].Length == 0 ? "-1" : row[14 + column])];
            string[] classes = [.. texts.Take(train).GroupBy(text => text).Where(group => group.Count() >= fewest).Select(group => group.Key).Order(StringComparer.Ordinal)];
            vocabulary[column] = classes.Length + 1;
            for (int row = 0; row < texts.Length; row++)
            {
                int place = Array.BinarySearch(classes, texts[row], StringComparer.Ordinal);
                encoded[row][column] = (place < 0 ? classes.Length : place).ToString(CultureInfo.InvariantCulture);
            }
        }

        return (encoded, vocabulary);
    }

    private static IEnumerable<PlainRow> Test(DataOptions options)
    {
        using var reader = new BatchReader(options, options.Test!, 0, 1, 10_000, DenseScale.Create(options));
        var batch = new Batch();
        Assert.True(reader.Read(batch));
        return RowText.Rows(batch);
    }

    private string PathOf(string name) => Path.Combine(_folder.Path, name);
}
