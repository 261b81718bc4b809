using CsCheck;
using OpenEmbedding.Collectives;
using OpenEmbedding.Trainer.Configuration;
using OpenEmbedding.Trainer.Data;
using Xunit.Abstractions;

namespace OpenEmbedding.Trainer.Tests.Data;

public sealed class CriteoReadingTests(ITestOutputHelper output) : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void GeneratedRowsReadAsThePlainReaderReadsThem()
    {
        string path = Path.Combine(_folder.Path, "rows.txt");
        new CriteoGenerator(seed: 3).WriteFile(path, 3000);
        Assert.Equal(RowText.Parse(File.ReadAllText(path)), RowText.ReadAll(RowText.Raw(path)));
    }

    [Fact]
    public void RealRowsReadAsThePlainReaderReadsThem()
    {
        string? path = Environment.GetEnvironmentVariable("OPENEMBEDDING_CRITEO_DATA");
        if (path is null)
        {
            output.WriteLine("skips: OPENEMBEDDING_CRITEO_DATA names no file with real rows");
            return;
        }

        Assert.Equal(RowText.Parse(File.ReadAllText(path)), RowText.ReadAll(RowText.Raw(path)));
    }

    [Fact]
    public void UnusualRowsReadAtEveryBlockBoundary() =>
        Gen.Select(RowText.Line.Array[1, 6], Gen.Bool.Array[6], Gen.Bool, Gen.Int[1, 700]).Sample(
            (lines, carriageReturns, endsWithNewline, blockBytes) =>
            {
                string text = string.Concat(lines.Select((line, i) => line + (carriageReturns[i] ? "\r\n" : "\n")));
                text = endsWithNewline ? text : text[..^1];
                string path = _folder.Write("weird.txt", text);
                Assert.Equal(RowText.Parse(text), RowText.ReadAll(RowText.Raw(path), batchSize: 4, blockBytes: blockBytes));
            },
            iter: 300,
            threads: 1);

    [Fact]
    public void EveryBlockSizeReadsTheSame()
    {
        string text = string.Concat(Enumerable.Range(0, 4).Select(i => RowText.Numbered(i * 1000) + (i % 2 == 0 ? "\n" : "\r\n")));
        string path = _folder.Write("rows.txt", text);
        PlainRow[] expected = RowText.Parse(text);
        for (int blockBytes = 1; blockBytes <= text.Length + 1; blockBytes++)
        {
            Assert.Equal(expected, RowText.ReadAll(RowText.Raw(path), blockBytes: blockBytes));
        }
    }

    [Theory]
    [InlineData("C3", "zz", "column C3 = \"zz\": not an 8-digit hexadecimal number")]
    [InlineData("C1", "1234567", "column C1 = \"1234567\": not an 8-digit hexadecimal number")]
    [InlineData("C26", "123456789", "column C26 = \"123456789\": not an 8-digit hexadecimal number")]
    [InlineData("C26", "1234567g", "column C26 = \"1234567g\": not an 8-digit hexadecimal number")]
    [InlineData("C2", "-1", "column C2 = \"-1\": not an 8-digit hexadecimal number")]
    [InlineData("I1", "x", "column I1 = \"x\": not a number")]
    [InlineData("I13", "-", "column I13 = \"-\": not a number")]
    [InlineData("I2", "1 2", "column I2 = \"1 2\": not a number")]
    [InlineData("I2", "1e99", "column I2 = \"1e99\": not a number")]
    [InlineData("I2", "NaN", "column I2 = \"NaN\": not a number")]
    [InlineData("I2", "\u0001", "column I2 = \"?\": not a number")]
    [InlineData("label", "", "column label = \"\": not a number from 0 to 1")]
    [InlineData("label", "2", "column label = \"2\": not a number from 0 to 1")]
    [InlineData("label", "-1", "column label = \"-1\": not a number from 0 to 1")]
    [InlineData("label", "yes", "column label = \"yes\": not a number from 0 to 1")]
    [InlineData("C5", "12345678\t", "41 fields, expected 40 (label, I1 to I13, C1 to C26, between tabs)")]
    [InlineData("", "", "1 field, expected 40 (label, I1 to I13, C1 to C26, between tabs)")]
    [InlineData("", "0\t1\t2", "3 fields, expected 40 (label, I1 to I13, C1 to C26, between tabs)")]
    public void MalformedRowNamesFileLineAndColumn(string column, string field, string expected)
    {
        string bad = field;
        if (column.Length > 0)
        {
            string[] names = ["label", .. Enumerable.Range(1, 13).Select(i => $"I{i}"), .. Enumerable.Range(1, 26).Select(i => $"C{i}")];
            string[] fields = RowText.Numbered(7).Split('\t');
            fields[Array.IndexOf(names, column)] = field;
            bad = string.Join('\t', fields);
        }

        string path = _folder.Write("bad.txt", $"{RowText.Numbered(0)}\n{RowText.Numbered(1)}\r\n{bad}\n{RowText.Numbered(3)}\n");
        OpenEmbeddingException error = Assert.Throws<OpenEmbeddingException>(() => RowText.ReadAll(RowText.Raw(path), blockBytes: 64));
        Assert.Equal($"{path}:3: {expected}", error.Message);
        Assert.Equal(JobExitCode.Data, error.ExitCode);

        DataOptions skip = RowText.Raw(path) with { OnBadRow = BadRowRule.Skip };
        Assert.Equal([0, 1, 3], RowText.ReadAll(skip).Select(row => (int)row.Dense[0]));
    }

    [Fact]
    public void AnyLineReadsOrIsDescribed() =>
        Gen.Select(RowText.Line, Gen.Int[0, 400], Gen.Char[(char)1, (char)126].Where(c => c is not '\n' and not '\r'), Gen.Bool).Sample(
            (line, place, character, inserts) =>
            {
                int at = Math.Min(place, line.Length);
                string changed = line[..at] + character + line[Math.Min(at + (inserts ? 0 : 1), line.Length)..];
                string path = _folder.Write("changed.txt", changed + "\n" + RowText.Numbered(1) + "\n");
                try
                {
                    Assert.Equal(2, RowText.ReadAll(RowText.Raw(path)).Count);
                }
                catch (OpenEmbeddingException e)
                {
                    Assert.StartsWith($"{path}:1: ", e.Message, StringComparison.Ordinal);
                }
            },
            iter: 500,
            threads: 1);

    [Fact]
    public void HexadecimalDigitsAreExactlyThose()
    {
        for (int place = 0; place < 8; place++)
        {
            for (int c = 0; c < 256; c++)
            {
                byte[] text = "89abCDef"u8.ToArray();
                text[place] = (byte)c;
                bool good = CriteoRow.TryParseHexadecimal(BitConverter.ToUInt64(text), out uint value);
                Assert.Equal(char.IsAsciiHexDigit((char)c), good);
                if (good)
                {
                    Assert.Equal(Convert.ToUInt32(System.Text.Encoding.ASCII.GetString(text), 16), value);
                }
            }
        }
    }

    [Fact]
    public void BatchesAfterTheFirstAllocateNothing()
    {
        string path = Path.Combine(_folder.Path, "rows.txt");
        new CriteoGenerator(seed: 3).WriteFile(path, 3000);
        DataOptions options = RowText.Raw(path) with { DenseScale = DenseScaling.Log, SparseIds = SparseIds.Hash };
        using BatchReader reader = new(options, options.Train, 1, 2, 100, DenseScale.Create(options), start: 0, shuffle: null, blockBytes: 2000);
        Batch batch = new();
        Assert.True(reader.Read(batch));
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int step = 1; step < 15; step++)
        {
            reader.Read(batch);
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.Equal(100, batch.Rows);
    }

    [Fact]
    public void ChosenColumnsComeInTheOrderAsked()
    {
        string path = _folder.Write("rows.txt", RowText.Numbered(9) + "\n");
        DataOptions options = RowText.Raw(path) with { Dense = ["I2", "I1"], Sparse = ["C4", "C1"] };
        PlainRow row = Assert.Single(RowText.ReadAll(options));
        Assert.Equal([0f, 9f], row.Dense);
        Assert.Equal([(1L << 62) - 1, 9], row.Sparse);
    }

    [Fact]
    public void ColumnOutsideTheFormIsAnErrorOfTheConfiguration()
    {
        string path = _folder.Write("rows.txt", RowText.Numbered(9) + "\n");
        OpenEmbeddingException error = Assert.Throws<OpenEmbeddingException>(
            () => RowText.ReadAll(RowText.Raw(path) with { Sparse = ["C1", "C27"] }));
        Assert.Equal("data.sparse: column \"C27\" is not in Criteo's form, which has C1 to C26", error.Message);
        Assert.Equal(JobExitCode.Configuration, error.ExitCode);
    }

    [Fact]
    public void LineWithoutEndIsRefusedBeforeMemoryRunsOut()
    {
        string path = _folder.Write("zeros.txt", new byte[17 << 20]);
        OpenEmbeddingException error = Assert.Throws<OpenEmbeddingException>(() => RowText.ReadAll(RowText.Raw(path)));
        Assert.Equal($"{path}:1: line longer than 16 MiB", error.Message);
    }
}
