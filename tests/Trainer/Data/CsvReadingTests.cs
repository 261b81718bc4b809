using System.IO.Hashing;
using OpenEmbedding.Collectives;
using OpenEmbedding.Trainer.Configuration;
using OpenEmbedding.Trainer.Data;

namespace OpenEmbedding.Trainer.Tests.Data;

public sealed class CsvReadingTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void ColumnsAreFoundByNameAndOthersLeftAside()
    {
        PlainRow[] rows = [.. ReadRaw("C2,unused,I1,label,C1\n5,x,1.5,1,7\r\n,\"a,\"\"b\"\"\n\",,0,-1\n")];
        Assert.Equal([new PlainRow(1, [1.5f], [7, 5]), new PlainRow(0, [0], [-1, -1])], rows);
    }

    [Fact]
    public void TextIsHashedAndNumbersAreThemselves()
    {
        static long Hash(string text) => (long)(XxHash3.HashToUInt64(System.Text.Encoding.UTF8.GetBytes(text)) >> 1);
        string longText = new('ü', 1000);
        string[] texts = ["68fd1e64", "9223372036854775808", "1.0", "naïve", longText];
        string rows = string.Concat(texts.Select(text => $"0,0,{text}, 12 \n"));
        long[] ids = [.. ReadRaw("label,I1,C1,C2\n" + rows).Select(row => row.Sparse[0])];
        Assert.Equal(texts.Select(Hash), ids);
        Assert.All(ids, id => Assert.InRange(id, 0, long.MaxValue));

        ids = [.. ReadRaw("label,I1,C1,C2\n0,0,007,-7\n0,0,9223372036854775807,-9223372036854775808\n").SelectMany(row => row.Sparse)];
        Assert.Equal([7, -7, long.MaxValue, long.MinValue], ids);
    }

    [Fact]
    public void BothFormsOfTheSameRowsGiveTheSameBatches()
    {
        string text = Path.Combine(_folder.Path, "rows.txt"), csv = Path.Combine(_folder.Path, "rows.csv");
        new CriteoGenerator(seed: 4).WriteFile(text, 2000);
        new CriteoGenerator(seed: 4).WriteFile(csv, 2000);
        foreach (int trainer in new[] { 0, 2 })
        {
            List<PlainRow> rows = RowText.ReadAll(RowText.Raw(text), trainer, trainers: 3, batchSize: 64);
            Assert.NotEmpty(rows);
            Assert.Equal(rows, RowText.ReadAll(RowText.Raw(csv), trainer, trainers: 3, batchSize: 64));
        }
    }

    [Theory]
    [InlineData(",", ",")]
    [InlineData("|", null)]
    [InlineData("\t", "tab")]
    [InlineData("~", "~")]
    public void ColumnsMayBeGivenAndSoMayTheDelimiter(string delimiter, string? given)
    {
        string[] rows = ["5,x,1.5,1,7", ",\"a\",,0,-1"];
        string path = _folder.Write("rows.csv", string.Concat(rows.Select(row => row.Replace(",", delimiter, StringComparison.Ordinal) + "\r\n")));
        DataOptions options = RowText.Raw(path) with
        {
            Dense = ["I1"],
            Sparse = ["C1", "C2"],
            Columns = ["C2", "unused", "I1", "label", "C1"],
            Delimiter = given,
        };

        Assert.Equal([new PlainRow(1, [1.5f], [7, 5]), new PlainRow(0, [0], [(1L << 62) - 1, (1L << 62) - 1])], RowText.ReadAll(options));
        var failure = Assert.Throws<OpenEmbeddingException>(() => RowText.ReadAll(options with { Columns = ["label", "I1", "C1", "C2"] }));
        Assert.Equal($"{path}:1: 5 fields, expected 4 (as in data.columns)", failure.Message);
    }

    [Theory]
    [InlineData("label,I1,C1,C2\n0,1,2,3\n0,1,2\n", "3: 3 fields, expected 4 (as in the header)")]
    [InlineData("label,I1,C1,C2\n0,1,2,3\n\n", "3: 1 field, expected 4 (as in the header)")]
    [InlineData("label,I1,C1,C2\n0,1,\"2\n2\",3\n0,x,2,3\n", "4: column I1 = \"x\": not a number")]
    [InlineData("label,I1,C1,C2\n0,NaN,2,3\n", "2: column I1 = \"NaN\": not a number")]
    [InlineData("label,I1,C1,C2\n,1,2,3\n", "2: column label = \"\": not a number from 0 to 1")]
    [InlineData("label,I1,C1,C2\n3,1,2,3\n", "2: column label = \"3\": not a number from 0 to 1")]
    [InlineData("label,I1,C1\n3,1,2\n", "1: no column \"C2\" (data.sparse); the header has label, I1, C1")]
    [InlineData("I1,C1,C2\n3,1,2\n", "1: no column \"label\" (data.label); the header has I1, C1, C2")]
    [InlineData("label,C1,C2\n3,1,2\n", "1: no column \"I1\" (data.dense); the header has label, C1, C2")]
    public void MalformedRowNamesFileLineAndColumn(string text, string expected)
    {
        OpenEmbeddingException error = Assert.Throws<OpenEmbeddingException>(() => Read(text));
        Assert.Equal($"{Path.Combine(_folder.Path, "rows.csv")}:{expected}", error.Message);
        Assert.Equal(JobExitCode.Data, error.ExitCode);
    }

    [Theory]
    [InlineData("label,I1,C1,C2\n0,1,2,3\n0,1,\"2\"x,3\n", 3)]
    [InlineData("label,I1,C1,C2\n0,1,2,3\n0,1,\"2,3\n", 3)]
    public void BrokenQuotesEndTheReadingEvenIfBadRowsAreSkipped(string text, int line)
    {
        OpenEmbeddingException error = Assert.Throws<OpenEmbeddingException>(() => Read(text, BadRowRule.Skip));
        Assert.StartsWith($"{Path.Combine(_folder.Path, "rows.csv")}:{line}: cannot be read: ", error.Message, StringComparison.Ordinal);
        Assert.Equal(JobExitCode.Data, error.ExitCode);
    }

    [Fact]
    public void BadRowsAreSkippedAndCommentsAreRows() =>
        Assert.Equal([1, 4], Read("label;I1;C1;C2\n0;1;2;3\n#;2;2;3\n0;3;2\n0;4;2;3", BadRowRule.Skip).Select(row => (int)row.Dense[0]));

    [Theory]
    [InlineData("")]
    [InlineData("label,I1,C1,C2\n")]
    public void FileWithoutRowsIsAnError(string text)
    {
        OpenEmbeddingException error = Assert.Throws<OpenEmbeddingException>(() => Read(text));
        Assert.Equal($"{Path.Combine(_folder.Path, "rows.csv")}: no rows", error.Message);
    }

    private DataOptions Options(string text, BadRowRule onBadRow) => new()
    {
        Train = new DataFiles { Files = [_folder.Write("rows.csv", text)] },
        Dense = ["I1"],
        Sparse = ["C1", "C2"],
        DenseScale = DenseScaling.None,
        OnBadRow = onBadRow,
    };

    private List<PlainRow> Read(string text, BadRowRule onBadRow = BadRowRule.Stop) =>
        RowText.ReadAll(Options(text, onBadRow), blockBytes: 4096);

    /// <summary>Reads the categories as they are before they become keys.</summary>
    private List<PlainRow> ReadRaw(string text)
    {
        DataOptions options = Options(text, BadRowRule.Stop);
        using RowFile file = RowFile.Open(options, DataFormat.Csv, options.Train.Files[0], 4096);
        List<PlainRow> rows = [];
        while (true)
        {
            float[] dense = new float[1];
            long[] sparse = new long[2];
            RowOutcome outcome = file.Read(out float label, dense, sparse);
            if (outcome == RowOutcome.End)
            {
                return rows;
            }

            Assert.Equal(RowOutcome.Row, outcome);
            rows.Add(new PlainRow(label, dense, sparse));
        }
    }
}
