using System.Globalization;
using OpenEmbedding.Collectives;
using OpenEmbedding.Trainer.Configuration;
using OpenEmbedding.Trainer.Data;

namespace OpenEmbedding.Trainer.Tests.Data;

public sealed class TfRecordReadingTests : IDisposable
{
    private static readonly (string Name, object Value)[] _row = [("label", 1L), ("I1", 2.5f), ("C1", "7"), ("C2", 9L)];

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("rows.tfrecord", true)]
    [InlineData("rows.tfrecords.gz", false)]
    public void The_same_rows_give_the_batches_of_text(string name, bool packed)
    {
        string text = Path.Combine(_folder.Path, "rows.txt");
        new CriteoGenerator(seed: 4).WriteFile(text, 1000);
        string records = _folder.Write(name, TfRecords.File(File.ReadLines(text).Select(line => TfRecords.ExampleOf(line, packed))));

        foreach (int trainer in new[] { 0, 2 })
        {
            List<PlainRow> rows = RowText.ReadAll(RowText.Raw(text), trainer, trainers: 3, batchSize: 64);
            Assert.NotEmpty(rows);
            Assert.Equal(rows, RowText.ReadAll(RowText.Raw(records), trainer, trainers: 3, batchSize: 64, blockBytes: 50));
        }
    }

    [Fact]
    public void Features_are_found_by_name_in_any_order_and_missing_ones_are_empty()
    {
        byte[] file = TfRecords.File(
            TfRecords.Example(_row),
            TfRecords.Example([("other", "x"), .. _row.Reverse()]),
            TfRecords.Example([("label", 0f), ("C2", new long[0]), ("I1", "1e3")]));

        Assert.Equal(
            [new PlainRow(1, [2.5f], [7, 9]), new PlainRow(1, [2.5f], [7, 9]), new PlainRow(0, [1000], [(1L << 62) - 1, (1L << 62) - 1])],
            Read(file));
    }

    public static TheoryData<string, object, string> Faults => new()
    {
        { "label", 2L, "column label = \"2\": not a number from 0 to 1" },
        { "label", "yes", "column label = \"yes\": not a number from 0 to 1" },
        { "I1", float.NaN, "column I1 = \"NaN\": not a number" },
        { "I1", new[] { 1f, 2f }, "column I1 has 2 values; expected one" },
        { "C1", 1.5f, "column C1 = \"1.5\": not an integer or bytes" },
        { "C2", new[] { "a", "b", "c" }, "column C2 has 3 values; expected one" },
    };

    [Theory]
    [MemberData(nameof(Faults))]
    public void A_bad_value_names_record_and_column_and_may_be_skipped(string column, object value, string expected)
    {
        byte[] bad = TfRecords.Example(_row.Select(feature => feature.Name == column ? (column, value) : feature));
        byte[] file = TfRecords.File(TfRecords.Example(_row), bad, TfRecords.Example(_row));

        AssertError($"record 2 (from byte {TfRecords.File(TfRecords.Example(_row)).Length}): {expected}", file);
        Assert.Equal(2, Read(file, BadRowRule.Skip).Count);
    }

    [Fact]
    public void A_row_without_a_label_is_bad() =>
        AssertError("record 1 (from byte 0): column label = \"\": not a number from 0 to 1", TfRecords.File(TfRecords.Example(_row.Skip(1))));

    [Fact]
    public void What_is_no_example_is_bad() => AssertError("record 1 (from byte 0): not a tf.Example", TfRecords.File([0x0A, 0x7F, 1]));

    [Fact]
    public void Damaged_data_is_a_bad_row_and_a_damaged_length_ends_the_reading()
    {
        byte[] file = TfRecords.File(TfRecords.Example(_row), TfRecords.Example(_row));
        byte[] data = [.. file];
        data[20] ^= 1;
        AssertError("record 1 (from byte 0): its checksum is not that of its data", data);
        Assert.Single(Read(data, BadRowRule.Skip));

        byte[] length = [.. file];
        length[3] ^= 1;
        AssertError("record 1 (from byte 0): the checksum of its length is wrong; expected TensorFlow's records", length, BadRowRule.Skip);
        AssertError("record 2 (from byte " + (file.Length / 2).ToString(CultureInfo.InvariantCulture) + "): the file ends within it", file[..^1], BadRowRule.Skip);
        AssertError("record 1 (from byte 0): the file ends within it", file[..5], BadRowRule.Skip);
    }

    [Fact]
    public void A_file_without_records_is_an_error() => AssertError("no rows", [], separator: ": ");

    /// <summary>10,000 files with some bytes changed, cut off or doubled: each is read, or named in one line.</summary>
    [Fact]
    [Trait("Kind", "Long")]
    public void No_damage_crashes_or_hangs_the_reading()
    {
        var random = new Random(5);
        byte[] whole = TfRecords.File(Enumerable.Range(0, 5).Select(_ => TfRecords.Example(_row)));
        for (int i = 0; i < 10_000; i++)
        {
            byte[] damaged = Damage.Of(whole, random);
            try
            {
                Assert.InRange(Read(damaged, BadRowRule.Skip).Count, 0, 10);
            }
            catch (OpenEmbeddingException failure)
            {
                Assert.DoesNotContain('\n', failure.Message);
            }
        }
    }

    /// <summary>The same of what the records hold, which their checksums would otherwise guard.</summary>
    [Fact]
    [Trait("Kind", "Long")]
    public void No_damaged_example_crashes_or_hangs_the_reading()
    {
        var random = new Random(6);
        byte[] whole = TfRecords.Example(_row);
        for (int i = 0; i < 10_000; i++)
        {
            byte[] file = TfRecords.File(Damage.Of(whole, random));
            Assert.InRange(Read(file, BadRowRule.Skip).Count, 0, 1);
        }
    }

    private void AssertError(string expected, byte[] file, BadRowRule rule = BadRowRule.Stop, string separator = ": ")
    {
        var failure = Assert.Throws<OpenEmbeddingException>(() => Read(file, rule));
        Assert.Equal($"{Path.Combine(_folder.Path, "rows.tfrecord")}{separator}{expected}", failure.Message);
        Assert.Equal(JobExitCode.Data, failure.ExitCode);
    }

    private List<PlainRow> Read(byte[] file, BadRowRule rule = BadRowRule.Stop)
    {
        string path = _folder.Write("rows.tfrecord", file);
        try
        {
            return RowText.ReadAll(RowText.Raw(path) with { Dense = ["I1"], Sparse = ["C1", "C2"], OnBadRow = rule });
        }
        catch (OpenEmbeddingException failure) when (rule == BadRowRule.Skip && failure.Message.EndsWith(": no rows", StringComparison.Ordinal))
        {
            return [];
        }
    }
}
