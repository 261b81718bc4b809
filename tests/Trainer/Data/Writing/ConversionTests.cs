using OpenEmbedding.Collectives;
using OpenEmbedding.Trainer.Configuration;
using OpenEmbedding.Trainer.Data;
using OpenEmbedding.Trainer.Data.Writing;

namespace OpenEmbedding.Trainer.Tests.Data.Writing;

/// <summary>Rows in another form read back as the same numbers.</summary>
public sealed class ConversionTests : IDisposable
{
    private static readonly SparseColumn _tags = new() { Name = "tags", MaxLength = 3, Separator = ", " };

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("rows.csv")]
    [InlineData("rows.csv.gz")]
    [InlineData("rows.parquet")]
    [InlineData("rows.tfrecord")]
    [InlineData("rows.libsvm")]
    [InlineData("rows.libffm.gz")]
    [InlineData("rows.copy")]
    [InlineData("rows.copy.gz")]
    public void Criteo_rows_read_back_from_every_form(string name)
    {
        string text = Path.Combine(_folder.Path, "rows.txt");
        new CriteoGenerator(seed: 6).WriteFile(text, 3000);
        List<PlainRow> expected = RowText.ReadAll(RowText.Raw(text));

        string said = Convert(RowText.Raw(text), name);

        Assert.StartsWith($"{PathOf(name)}: 3,000 rows in ", said);
        Assert.Equal(expected, RowText.ReadAll(Numbered(RowText.Raw(PathOf(name)), name)));
    }

    [Theory]
    [InlineData("rows.parquet")]
    [InlineData("rows.tfrecord")]
    [InlineData("rows.libffm")]
    [InlineData("copy.csv")]
    public void Odd_numbers_and_several_categories_do_too(string name)
    {
        // Labels between, numbers with many digits, text, categories of 64 bits, quotes in names, none and too many of several.
        string text = "label,\"a \"\"b\"\", c\",item,tags\n0.25,0.1,x,\"7, Ω\"\n1,-3.4028235e38,-9223372036854775808,\n0,1e-42,,\"1, 2, 3, 4\"\n1,16777217,9223372036854775807,-7\n";
        DataOptions options = Special(_folder.Write("special.csv", text));
        List<PlainRow> expected = RowText.ReadAll(options);
        Assert.Equal([0.25f, 1, 0, 1], expected.Select(row => row.Label));

        string said = Convert(options, name);

        DataOptions copy = Special(PathOf(name));
        if (name.EndsWith(".libffm", StringComparison.Ordinal))
        {
            Assert.EndsWith("--data.dense 1 --data.sparse 2,3\n", said);
            copy = copy with { Dense = ["1"], Sparse = ["2", _tags with { Name = "3" }] };
        }

        Assert.Equal(expected, RowText.ReadAll(copy));
    }

    [Fact]
    public void Malformed_rows_stop_it_or_are_left_out()
    {
        DataOptions options = Special(_folder.Write("special.csv", "label,\"a \"\"b\"\", c\",item,tags\n0,1,2,3\nx,1,2,3\n1,1,2,3\n"));

        string said = Convert(options with { OnBadRow = BadRowRule.Skip }, "copy.csv");
        Assert.Contains("copy.csv: 2 rows in ", said);
        Assert.EndsWith(", 1 malformed left out\n", said);

        File.Delete(PathOf("copy.csv"));
        Exception error = Assert.Throws<OpenEmbeddingException>(() => Convert(options, "copy.csv"));
        Assert.EndsWith("special.csv:3: column label = \"x\": not a number from 0 to 1", error.Message);
        Assert.Equal(["special.csv"], Directory.GetFiles(_folder.Path).Select(Path.GetFileName));
    }

    [Theory]
    [InlineData("copy.txt", "Criteo's form has 13 dense and 26 sparse columns, not 1 and 2; the ending of another form, such as .csv, takes any")]
    [InlineData("copy.libsvm", "column tags has max_length 3; LIBSVM's form has one category in a field")]
    [InlineData("copy.parquet.gz", "copy.parquet.gz: not compressed as a whole; leave .gz out")]
    public void A_form_that_cannot_hold_the_columns_says_so(string name, string expected)
    {
        DataOptions options = Special(_folder.Write("special.csv", "label,\"a \"\"b\"\", c\",item,tags\n0,1,2,3\n"));
        if (name == "copy.txt")
        {
            options = options with { Sparse = ["item", "tags"] };
        }

        Assert.EndsWith(expected, Assert.Throws<OpenEmbeddingException>(() => Convert(options, name)).Message);
    }

    [Fact]
    public void A_category_beyond_8_digits_is_none_of_Criteos()
    {
        string names = string.Join(',', Enumerable.Range(1, 13).Select(i => $"I{i}").Concat(Enumerable.Range(1, 26).Select(i => $"C{i}")));
        string path = _folder.Write("rows.csv", $"label,{names}\n1{new string(',', 13)},1,4294967296{new string(',', 24)}\n");

        Exception error = Assert.Throws<OpenEmbeddingException>(() => Convert(RowText.Raw(path), "copy.txt"));

        Assert.Equal("column C2 has the category 4294967296; Criteo's form has 8 hexadecimal digits, 0 to 4294967295", error.Message);
    }

    private static DataOptions Special(string path) => RowText.Raw(path) with { Dense = ["a \"b\", c"], Sparse = ["item", _tags] };

    private static DataOptions Numbered(DataOptions options, string name) => name.Contains(".lib", StringComparison.Ordinal)
        ? options with { Dense = [.. Enumerable.Range(1, 13).Select(i => $"{i}")], Sparse = [.. Enumerable.Range(14, 26).Select(i => $"{i}")] }
        : options;

    private string PathOf(string name) => Path.Combine(_folder.Path, name);

    private string Convert(DataOptions options, string name) => DataPreparation.Convert(options, PathOf(name));
}
