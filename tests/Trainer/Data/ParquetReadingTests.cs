using OpenEmbedding.Collectives;
using OpenEmbedding.Trainer.Configuration;
using OpenEmbedding.Trainer.Data;
using ParquetSharp;

namespace OpenEmbedding.Trainer.Tests.Data;

public sealed class ParquetReadingTests : IDisposable
{
    private const long Empty = (1L << 62) - 1;

    private readonly TemporaryFolder _folder = new();
    private readonly string _path;

    public ParquetReadingTests() => _path = Path.Combine(_folder.Path, "rows.parquet");

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(Compression.Uncompressed)]
    [InlineData(Compression.Snappy)]
    [InlineData(Compression.Gzip)]
    [InlineData(Compression.Zstd)]
    public void The_same_rows_give_the_batches_of_text(Compression compression)
    {
        string text = Path.Combine(_folder.Path, "rows.txt");
        new CriteoGenerator(seed: 4).WriteFile(text, 1000);
        ParquetFiles.WriteCriteo(_path, File.ReadAllLines(text), groupRows: 300, compression);

        foreach (int trainer in new[] { 0, 2 })
        {
            List<PlainRow> rows = RowText.ReadAll(RowText.Raw(text), trainer, trainers: 3, batchSize: 64);
            Assert.NotEmpty(rows);
            Assert.Equal(rows, RowText.ReadAll(RowText.Raw(_path), trainer, trainers: 3, batchSize: 64));
        }
    }

    public static TheoryData<Array, float> Numbers => new()
    {
        { new[] { 7 }, 7 },
        { new sbyte[] { -7 }, -7 },
        { new short[] { 7 }, 7 },
        { new long?[] { null }, 0 },
        { new ulong[] { 1UL << 63 }, 9223372036854775808f },
        { new[] { 0.1 }, 0.1f },
        { new float?[] { 2.5f }, 2.5f },
        { new[] { true }, 1 },
    };

    [Theory]
    [MemberData(nameof(Numbers))]
    public void Dense_values_may_have_any_type_of_number(Array values, float expected)
    {
        ParquetFiles.Write(_path, 10, ("label", new[] { 1.0 }), ("I1", values), ("C1", new[] { 3 }), ("C2", new[] { 4 }), ("other", new[] { "x" }));

        Assert.Equal([new PlainRow(1, [expected], [3, 4])], Read());
    }

    public static TheoryData<Array, string> CategoryValues => new()
    {
        { new[] { 7 }, "7" },
        { new byte[] { 255 }, "255" },
        { new uint[] { uint.MaxValue }, "4294967295" },
        { new long?[] { -5 }, "-5" },
        { new ulong[] { ulong.MaxValue }, "18446744073709551615" },
        { new string?[] { null }, "" },
        { new[] { " 12 " }, "12" },
        { new[] { "grün" }, "grün" },
        { new[] { new string('x', 300) }, new string('x', 300) },
        { new byte[][] { [.. "shoes"u8] }, "shoes" },
    };

    [Theory]
    [MemberData(nameof(CategoryValues))]
    public void Categories_are_those_of_the_same_text_in_csv(Array values, string text)
    {
        ParquetFiles.Write(_path, 10, ("label", new[] { true }), ("I1", new[] { 1 }), ("C1", values), ("C2", values));
        string csv = _folder.Write("rows.csv", $"label,I1,C1,C2\n1,1,{text},{text}\n");

        Assert.Equal(RowText.ReadAll(Options(csv)), Read());
    }

    [Fact]
    public void Missing_values_are_zero_and_the_empty_category()
    {
        ParquetFiles.Write(_path, 2, ("label", new[] { 0, 1, 0 }), ("I1", new float?[] { 1, null, 3 }), ("C1", new[] { null, "4", null }), ("C2", new long?[] { null, null, 6 }));

        Assert.Equal([new PlainRow(0, [1], [Empty, Empty]), new PlainRow(1, [0], [4, Empty]), new PlainRow(0, [3], [Empty, 6])], Read());
    }

    [Fact]
    public void A_bad_value_names_row_and_column_and_may_be_skipped()
    {
        WriteRows(labels: [0, 1, 0, 2, 1], numbers: [1, 2, float.NaN, 4, float.PositiveInfinity]);

        AssertError("row 3: column I1 = \"NaN\": not a number");
        Assert.Equal(2, Read(BadRowRule.Skip).Count);
    }

    [Theory]
    [InlineData(2f, "column label = \"2\": not a number from 0 to 1")]
    [InlineData(null, "column label has no value; expected a number from 0 to 1")]
    public void A_label_is_from_zero_to_one(float? label, string expected)
    {
        WriteRows(labels: [0, 1, 0, label], numbers: [1, 2, 3, 4]);

        AssertError($"row 4: {expected}");
    }

    public static TheoryData<string, Array, string> WrongColumns => new()
    {
        { "I2", new[] { 1 }, "no column \"I1\" (data.dense); the file has label, I2, C1, C2" },
        { "I1", new[] { "1" }, "column I1 (data.dense) holds text; expected integers, floating-point numbers, decimals or booleans" },
        { "I1", new[] { new[] { 1, 2 } }, "column I1 (data.dense) has several values in a row; expected one" },
        { "C1", new[] { 1.5 }, "column C1 (data.sparse) holds Double; expected integers, text or bytes" },
    };

    [Theory]
    [MemberData(nameof(WrongColumns))]
    public void A_column_that_is_missing_or_of_another_type_is_named(string column, Array values, string expected)
    {
        (string Name, Array Values)[] columns = [("label", new[] { 1 }), ("I1", new[] { 1 }), ("C1", new[] { 1 }), ("C2", new[] { 1 })];
        int place = column.StartsWith('I') ? 1 : 2;
        columns[place] = (column, values);
        ParquetFiles.Write(_path, 10, columns);

        AssertError(expected);
    }

    [Fact]
    public void Groups_of_which_no_row_is_wanted_are_not_read()
    {
        WriteRows(labels: [0, 1, 0, 1], numbers: [1, 2, 3, 4]);
        byte[] file = File.ReadAllBytes(_path);
        file.AsSpan(4, 60).Clear();
        File.WriteAllBytes(_path, file);
        DataOptions options = Options(_path);

        Assert.Equal(
            [3, 4], RowText.ReadAll(options with { Train = options.Train with { Rows = new RowRange(2, null) } }).Select(row => row.Dense[0]));
        Assert.StartsWith(
            $"{_path}: column label in the row group from row 1 cannot be read as Parquet: ", Assert.Throws<OpenEmbeddingException>(() => Read()).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_no_whole_parquet_file_is_one_line()
    {
        WriteRows(labels: [0, 1], numbers: [1, 2]);
        byte[] whole = File.ReadAllBytes(_path);
        foreach (byte[] damaged in new[] { whole[..^1], whole[..20], [.. "label,I1,C1,C2\n"u8] })
        {
            File.WriteAllBytes(_path, damaged);
            var failure = Assert.Throws<OpenEmbeddingException>(() => Read());
            Assert.StartsWith($"{_path}: the file cannot be read as Parquet: ", failure.Message, StringComparison.Ordinal);
            Assert.Equal(JobExitCode.Data, failure.ExitCode);
        }
    }

    [Fact]
    public void A_file_that_is_compressed_as_a_whole_is_refused()
    {
        using (var gzip = new System.IO.Compression.GZipStream(File.Create(_path + ".gz"), System.IO.Compression.CompressionLevel.Fastest))
        {
            gzip.Write("PAR1"u8);
        }

        string message = Assert.Throws<OpenEmbeddingException>(() => RowText.ReadAll(Options(_path + ".gz"))).Message;
        Assert.StartsWith($"{_path}.gz: compressed as a whole", message, StringComparison.Ordinal);
    }

    /// <summary>10,000 files with some bytes changed, cut off or doubled: each is read, or named in one line.</summary>
    [Fact]
    [Trait("Kind", "Long")]
    public void No_damage_crashes_or_hangs_the_reading()
    {
        WriteRows(labels: [0, 1, 0, 1, 1], numbers: [1, 2, 3, 4, 5]);
        byte[] whole = File.ReadAllBytes(_path);
        var random = new Random(5);
        for (int i = 0; i < 10_000; i++)
        {
            File.WriteAllBytes(_path, Damage.Of(whole, random));
            try
            {
                Assert.InRange(Read(BadRowRule.Skip).Count, 0, 1000);
            }
            catch (OpenEmbeddingException failure)
            {
                Assert.DoesNotContain('\n', failure.Message);
            }
        }
    }

    private void WriteRows(float?[] labels, float[] numbers) =>
        ParquetFiles.Write(_path, 2, ("label", labels), ("I1", numbers), ("C1", numbers.Select(_ => "x").ToArray()), ("C2", numbers.Select(_ => 5).ToArray()));

    private static DataOptions Options(string path) => RowText.Raw(path) with { Dense = ["I1"], Sparse = ["C1", "C2"] };

    private List<PlainRow> Read(BadRowRule rule = BadRowRule.Stop) => RowText.ReadAll(Options(_path) with { OnBadRow = rule });

    private void AssertError(string expected)
    {
        var failure = Assert.Throws<OpenEmbeddingException>(() => Read());
        Assert.Equal($"{_path}: {expected}", failure.Message);
        Assert.Equal(JobExitCode.Data, failure.ExitCode);
    }
}
