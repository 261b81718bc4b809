using System.Globalization;
using OpenEmbedding.Collectives;
using OpenEmbedding.Trainer.Configuration;
using OpenEmbedding.Trainer.Data;

namespace OpenEmbedding.Trainer.Tests.Data;

public sealed class SparseRowReadingTests : IDisposable
{
    private const long Empty = (1L << 62) - 1;

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("rows.svm")]
    [InlineData("rows.libffm.gz")]
    public void The_same_rows_give_the_batches_of_text(string name)
    {
        bool hasFields = name.Contains("ffm", StringComparison.Ordinal);
        string text = Path.Combine(_folder.Path, "rows.txt");
        new CriteoGenerator(seed: 4).WriteFile(text, 1000);
        string sparse = _folder.Write(name, string.Join('\n', File.ReadLines(text).Select(line => Line(line.Split('\t'), hasFields))));
        DataOptions options = RowText.Raw(sparse) with
        {
            Dense = [.. Enumerable.Range(1, 13).Select(i => $"{i}")],
            Sparse = [.. Enumerable.Range(14, 26).Select(i => $"{i}")],
        };

        Assert.Equal(RowText.ReadAll(RowText.Raw(text), trainer: 1, trainers: 2, batchSize: 64), RowText.ReadAll(options, trainer: 1, trainers: 2, batchSize: 64));
    }

    [Fact]
    public void Absent_columns_are_empty_and_others_left_aside() => Assert.Equal(
        [new PlainRow(1, [0], [5, Empty]), new PlainRow(0, [-2.5f], [Empty, 7]), new PlainRow(0, [0], [Empty, Empty])],
        Read("+1 2:5 99:1\r\n-1\t1:-2.5  3:7 # 2:1\n0\n"));

    [Fact]
    public void Of_libffm_the_feature_is_the_category() =>
        Assert.Equal([new PlainRow(0.5f, [3], [12, 4])], Read("0.5 1:1:3 2:12:1 3:4:0.5\n", "rows.ffm"));

    [Theory]
    [InlineData("rows.svm", "yes 1:2", "column label = \"yes\": not a number from 0 to 1, or -1")]
    [InlineData("rows.svm", "", "column label = \"\": not a number from 0 to 1, or -1")]
    [InlineData("rows.svm", "2 1:2", "column label = \"2\": not a number from 0 to 1, or -1")]
    [InlineData("rows.svm", "1 1:x", "column 1 = \"x\": not a number")]
    [InlineData("rows.svm", "1 1:inf", "column 1 = \"inf\": not a number")]
    [InlineData("rows.svm", "1 5", "\"5\" is not INDEX:VALUE")]
    [InlineData("rows.svm", "1 a:5", "\"a:5\" is not INDEX:VALUE")]
    [InlineData("rows.svm", "1 1:2:3", "\"1:2:3\" is not INDEX:VALUE")]
    [InlineData("rows.ffm", "1 1:2", "\"1:2\" is not FIELD:FEATURE:VALUE")]
    [InlineData("rows.ffm", "1 1::2", "\"1::2\" is not FIELD:FEATURE:VALUE")]
    [InlineData("rows.ffm", "1 1:2:3:4", "\"1:2:3:4\" is not FIELD:FEATURE:VALUE")]
    public void A_bad_row_names_line_and_column_and_may_be_skipped(string name, string bad, string expected)
    {
        string file = $"0\n{bad}\n1\n";
        var failure = Assert.Throws<OpenEmbeddingException>(() => Read(file, name));
        Assert.Equal($"{Path.Combine(_folder.Path, name)}:2: {expected}", failure.Message);
        Assert.Equal(2, Read(file, name, BadRowRule.Skip).Count);
    }

    [Fact]
    public void Columns_have_numbers()
    {
        DataOptions options = RowText.Raw(_folder.Write("rows.svm", "1\n"));
        var failure = Assert.Throws<OpenEmbeddingException>(() => RowText.ReadAll(options));
        Assert.Equal("data.dense: column \"I1\" is not a number, as columns of LIBSVM are named: by index", failure.Message);
        Assert.Equal(JobExitCode.Configuration, failure.ExitCode);
    }

    [Fact]
    [Trait("Kind", "Long")]
    public void No_text_crashes_or_hangs_the_reading()
    {
        const string Letters = "0123456789:::  \t\n\r#-+.eaÿ\0";
        var random = new Random(7);
        for (int i = 0; i < 10_000; i++)
        {
            string text = string.Concat(Enumerable.Range(0, random.Next(1, 60)).Select(_ => Letters[random.Next(Letters.Length)]));
            Assert.InRange(Read("1 1:2\n" + text, random.Next(2) == 0 ? "rows.svm" : "rows.ffm", BadRowRule.Skip).Count, 0, 62);
        }
    }

    private static string Line(string[] fields, bool hasFields) => string.Join(' ', fields.Select((field, i) =>
        i == 0 ? field
        : field.Length == 0 ? ""
        : i <= 13 ? (hasFields ? $"{i}:{i}:{field}" : $"{i}:{field}")
        : Category(i, long.Parse(field, NumberStyles.HexNumber, CultureInfo.InvariantCulture), hasFields)));

    private static string Category(int column, long category, bool hasFields) =>
        string.Create(CultureInfo.InvariantCulture, $"{column}:{category}{(hasFields ? ":1" : "")}");

    private List<PlainRow> Read(string text, string name = "rows.svm", BadRowRule rule = BadRowRule.Stop) => RowText.ReadAll(
        RowText.Raw(_folder.Write(name, text)) with { Dense = ["1"], Sparse = ["2", "3"], OnBadRow = rule });
}
