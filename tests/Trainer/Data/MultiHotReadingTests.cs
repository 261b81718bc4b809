using OpenEmbedding.Collectives;
using OpenEmbedding.Trainer.Configuration;
using OpenEmbedding.Trainer.Data;

namespace OpenEmbedding.Trainer.Tests.Data;

/// <summary>Columns of several categories, the same in every form.</summary>
public sealed class MultiHotReadingTests : IDisposable
{
    private const long None = SparseSlots.Empty;

    private static readonly string[][] _tags = [["7"], ["7", "9"], [], ["1", "2", "3", "4"], ["", "-5", "-1"], ["7", "7"]];

    private static readonly PlainRow[] _expected =
    [
        new(1, [], [3, 7, None, None]),
        new(1, [], [3, 7, 9, None]),
        new(1, [], [3, None, None, None]),
        new(1, [], [3, 1, 2, 3]),
        new(1, [], [3, (1L << 62) - 5, None, None]),
        new(1, [], [3, 7, 7, None]),
    ];

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("|")]
    [InlineData("; ")]
    public void Text_has_separators(string separator)
    {
        string text = "label,item,tags\n" + string.Concat(_tags.Select(tags => $"1,3,{string.Join(separator, tags)}\n"));

        Assert.Equal(_expected, Read(Options(_folder.Write("rows.csv", text), separator)));
    }

    [Fact]
    public void Text_that_is_no_number_is_hashed_by_category()
    {
        string path = _folder.Write("rows.csv", "label,item,tags\n1,3,Comedy| Sci-Fi \n1,3,Sci-Fi\n");

        long[][] tags = [.. Read(Options(path)).Select(row => row.Sparse[1..])];

        Assert.Equal(Categories.Of("Comedy") & ((1L << 62) - 1), tags[0][0]);
        Assert.Equal(tags[1][0], tags[0][1]);
    }

    [Fact]
    public void Records_have_lists_of_values()
    {
        byte[] numbers = TfRecords.File(_tags.Select(tags => TfRecords.Example(
            [("label", 1L), ("item", 3L), ("tags", tags.Select(tag => tag.Length == 0 ? None : long.Parse(tag)).ToArray())])));
        byte[] texts = TfRecords.File(_tags.Select(tags => TfRecords.Example([("tags", tags), ("label", 1L), ("item", 3L)])));

        Assert.Equal(_expected, Read(Options(_folder.Write("rows.tfrecord", numbers))));
        Assert.Equal(_expected, Read(Options(_folder.Write("texts.tfrecord", texts))));
    }

    [Fact]
    public void A_list_of_fractions_is_no_list_of_categories()
    {
        string path = _folder.Write("rows.tfrecord", TfRecords.File([TfRecords.Example([("label", 1L), ("item", 3L), ("tags", new[] { 1.5f, 2.5f })])]));

        Exception error = Assert.Throws<OpenEmbeddingException>(() => Read(Options(path)));

        Assert.EndsWith("column tags = \"2.5\": not an integer or bytes", error.Message);
    }

    [Fact]
    public void A_field_of_LIBFFM_may_come_several_times()
    {
        string text = string.Concat(_tags.Select(tags => $"1 0:3:1{string.Concat(tags.Where(tag => tag.Length > 0).Select(tag => $" 1:{tag}:1"))}\n"));
        DataOptions options = Options(_folder.Write("rows.libffm", text)) with { Sparse = ["0", Tags("1")] };

        Assert.Equal(_expected, Read(options));
    }

    [Fact]
    public void Parquet_has_lists_or_text()
    {
        int[] ones = [.. _tags.Select(_ => 1)], items = [.. _tags.Select(_ => 3)];
        string lists = Path.Combine(_folder.Path, "lists.parquet"), texts = Path.Combine(_folder.Path, "texts.parquet"), numbers = Path.Combine(_folder.Path, "numbers.parquet");
        ParquetFiles.Write(lists, 4, ("label", ones), ("item", items), ("tags", _tags));
        ParquetFiles.Write(texts, 4, ("label", ones), ("item", items), ("tags", _tags.Select(tags => string.Join('|', tags)).ToArray()));
        ParquetFiles.Write(
            numbers, 4, ("label", ones), ("item", items), ("tags", _tags.Select(tags => tags.Length == 0 ? null : tags.Select(tag => tag.Length == 0 ? (long?)null : long.Parse(tag)).ToArray()).ToArray()));

        Assert.Equal(_expected, Read(Options(lists)));
        Assert.Equal(_expected, Read(Options(texts)));
        Assert.Equal(_expected, Read(Options(numbers)));
        Assert.Equal(_expected[4..], RowText.ReadAll(Options(numbers), trainer: 1, trainers: 2, batchSize: 4));
    }

    [Fact]
    public void A_list_is_more_than_one_column_of_one_category_takes()
    {
        string path = Path.Combine(_folder.Path, "lists.parquet");
        ParquetFiles.Write(path, 4, ("label", new[] { 1 }), ("item", new[] { 3 }), ("tags", new[] { new[] { 1, 2 } }));

        Exception error = Assert.Throws<OpenEmbeddingException>(() => Read(Options(path) with { Sparse = ["item", "tags"] }));

        Assert.Equal($"{path}: column tags (data.sparse) has several values in a row; expected one", error.Message);
    }

    [Theory]
    [InlineData("rows.txt", "C1", "data.sparse: column C1 has max_length 3; Criteo's form has one category in a field")]
    [InlineData("rows.libsvm", "1", "data.sparse: column 1 has max_length 3; LIBSVM's form has one value of an index")]
    public void Forms_of_one_category_say_so(string name, string column, string expected)
    {
        DataOptions options = RowText.Raw(_folder.Write(name, "1\n")) with { Dense = [], Sparse = [Tags(column)] };

        Assert.Equal(expected, Assert.Throws<OpenEmbeddingException>(() => Read(options)).Message);
    }

    [Fact]
    public void Shuffled_rows_keep_their_categories()
    {
        string path = _folder.Write("rows.csv", "label,item,tags\n" + string.Concat(_tags.Select((tags, i) => $"1,{i},{string.Join('|', tags)}\n")));
        using var reader = new BatchReader(
            Options(path), Options(path).Train, 0, 1, 100, DenseScale.Create(Options(path)), shuffle: new RowShuffle(100, Seed: 3, Pass: 1));
        var batch = new Batch();

        Assert.True(reader.Read(batch));

        PlainRow[] rows = [.. RowText.Rows(batch).OrderBy(row => row.Sparse[0])];
        Assert.Equal(_expected.Select(row => row.Sparse[1..]), rows.Select(row => row.Sparse[1..]));
    }

    [Fact]
    public void Columns_that_share_rows_have_the_same_keys()
    {
        string path = _folder.Write("rows.csv", "label,item,tags\n1,8,8|9\n");
        DataOptions options = Options(path) with { Sparse = ["item", Tags("tags") with { Table = "item" }], SparseIds = SparseIds.Hash };

        long[] keys = Assert.Single(RowText.ReadAll(options)).Sparse;

        Assert.Equal([1000000007 + 8, 1000000007 + 8, 1000000007 + 9, None], keys);
        Assert.Equal([0, 0, 1, None], Assert.Single(RowText.ReadAll(options with { SparseIds = SparseIds.Modulo, Vocabulary = new Vocabulary([8, 8]) })).Sparse);
    }

    [Fact]
    public void Inspection_counts_categories()
    {
        string path = _folder.Write("rows.csv", "label,item,tags\n" + string.Concat(_tags.Select(tags => $"1,3,{string.Join('|', tags)}\n")));

        string text = DataInspection.Read(Options(path), Options(path).Train).ToString();

        // 7 comes four times in six rows; of 7, 9, 1, 2, 3 and −5 all others once. One row has no tag.
        Assert.Matches(@"tags\s+16\.7 ?%\s+6\s+5\s+66\.7 ?%", text);
    }

    private static SparseColumn Tags(string name) => new() { Name = name, MaxLength = 3 };

    private static DataOptions Options(string path, string separator = "|") =>
        RowText.Raw(path) with { Dense = [], Sparse = ["item", Tags("tags") with { Separator = separator }] };

    private static List<PlainRow> Read(DataOptions options) => RowText.ReadAll(options);
}
