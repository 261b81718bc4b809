using OpenEmbedding.Collectives;
using OpenEmbedding.Trainer.Configuration;
using OpenEmbedding.Trainer.Data;

namespace OpenEmbedding.Trainer.Tests.Data;

public sealed class InputFilesTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void PatternsGiveFilesInOrdinalOrder()
    {
        string[] names = ["part-10.txt", "part-2.txt", "Part-3.txt", "other.txt", ".part-4.txt", "a/day_1", "b/day_0", "b/night"];
        foreach (string name in names)
        {
            _folder.Write(name, "x");
        }

        Assert.Equal(["part-10.txt", "part-2.txt"], Expand("part-*.txt"));
        Assert.Equal(["part-2.txt"], Expand("part-?.txt"));
        Assert.Equal(["a/day_1", "b/day_0"], Expand("*/day_?"));
        Assert.Equal(["other.txt", "part-10.txt", "part-2.txt"], Expand("other.txt", "p*"));
        Assert.Equal([".part-4.txt"], Expand(".*"));
    }

    [Theory]
    [InlineData("absent.txt", "no such file or folder")]
    [InlineData("absent*.txt", "no file matches this pattern")]
    [InlineData("absent/*/x", "no file matches this pattern")]
    [InlineData("marks", "the folder has no files")]
    public void WhatIsNotThereIsNamed(string name, string expected)
    {
        _folder.Write("marks/_SUCCESS", "");
        _folder.Write("marks/folder/file", "");
        AssertError($"{In(name)}: {expected}", RowText.Raw(In(name)));
    }

    [Fact]
    public void FolderGivesItsFilesInOrdinalOrder()
    {
        foreach (string name in (string[])["days/10", "days/2", "days/.hidden", "days/_SUCCESS", "days/more/3", "one"])
        {
            _folder.Write(name, "x");
        }

        Assert.Equal(["one", "days/10", "days/2"], Expand("one", "days"));
    }

    [Fact]
    public void EmptyFileThatWasNotNamedIsAnError()
    {
        _folder.Write("days/1.txt", RowText.Numbered(0) + "\n");
        string empty = _folder.Write("days/2.txt", "");

        foreach (string path in (string[])["days", "days/*.txt"])
        {
            AssertError(
                $"{empty}: an empty file, found by \"{In(path)}\"; expected rows (one that is meant to be empty must be named itself)",
                RowText.Raw(In(path)));
        }

        Assert.Single(RowText.ReadAll(RowText.Raw(In("days/1.txt"), empty)));
    }

    [Fact]
    public void FilesOfDifferentFormsAreAnError()
    {
        string rows = _folder.Write("mixed/a.txt", RowText.Numbered(0) + "\n");
        string csv = _folder.Write("mixed/b.csv", "label\n");

        const string Rule = "all files must have one form, or data.format must tell it";
        AssertError($"{csv}: by its name not of the form of {rows}; {Rule}", RowText.Raw(In("mixed")));
        AssertError($"{rows}: by its name not of the form of {csv}; {Rule}", RowText.Raw(csv, rows));
    }

    [Theory]
    [InlineData("PAR1\u0015", "a Parquet file, which its name or data.format must tell")]
    [InlineData("PK\u0003\u0004", "a ZIP archive")]
    [InlineData("\u001f\u008b\u0008", "compressed by gzip, but its name does not tell")]
    [InlineData("\u0028\u00b5\u002f\u00fd", "compressed by zstd")]
    public void FileThatIsNoTextIsNamed(string start, string expected)
    {
        _folder.Write("days/1.txt", RowText.Numbered(0) + "\n");
        string path = _folder.Write("days/2.txt", System.Text.Encoding.Latin1.GetBytes(start));

        const string Rule = "expected rows as text, or compressed by gzip with a name that ends in .gz";
        AssertError($"{path}: {expected}; {Rule}", RowText.Raw(In("days")) with { OnBadRow = BadRowRule.Skip });
    }

    [Fact]
    public void CompressedFilesReadAsTheirContents()
    {
        string text = string.Concat(Enumerable.Range(0, 500).Select(i => RowText.Numbered(i) + "\n"));
        PlainRow[] expected = RowText.Parse(text);
        Assert.Equal(expected, RowText.ReadAll(RowText.Raw(_folder.Write("rows.txt.gz", text))));

        string csv = Path.Combine(_folder.Path, "rows.csv.gz");
        new CriteoGenerator(seed: 5).WriteFile(csv, 40);
        string plain = Path.Combine(_folder.Path, "rows.txt");
        new CriteoGenerator(seed: 5).WriteFile(plain, 40);
        Assert.Equal(RowText.ReadAll(RowText.Raw(plain)), RowText.ReadAll(RowText.Raw(csv)));
    }

    [Theory]
    [InlineData("rows.txt.gz")]
    [InlineData("rows.csv.gz")]
    public void CompressedFileIsReadWholeOrIsAnError(string name)
    {
        string path = In(name);
        new CriteoGenerator(seed: 3).WriteFile(path, 2);
        byte[] bytes = File.ReadAllBytes(path);
        List<PlainRow> rows = RowText.ReadAll(RowText.Raw(path));

        for (int length = 1; length < bytes.Length; length++)
        {
            Assert.Null(ReadOrError(path, bytes[..length]));
        }

        // A flip in a header's time or name changes no row.
        for (int bit = 0; bit < bytes.Length * 8; bit += 5)
        {
            byte[] flipped = [.. bytes];
            flipped[bit / 8] ^= (byte)(1 << (bit % 8));
            Assert.True(ReadOrError(path, flipped) is not { } read || read.SequenceEqual(rows), $"bit {bit}");
        }
    }

    [Fact]
    public void CompressedFileMayHaveSeveralParts()
    {
        byte[] first = File.ReadAllBytes(_folder.Write("1.gz", RowText.Numbered(1) + "\n"));
        byte[] second = File.ReadAllBytes(_folder.Write("2.gz", RowText.Numbered(2) + "\n"));
        string path = In("rows.gz");

        File.WriteAllBytes(path, [.. first, .. second]);
        Assert.Equal(RowText.Parse($"{RowText.Numbered(1)}\n{RowText.Numbered(2)}\n"), RowText.ReadAll(RowText.Raw(path)));

        File.WriteAllBytes(path, [.. first, .. second[..^1]]);
        AssertError($"{path}:3: cannot be read: the compressed data is cut off or damaged; expected a whole gzip file", RowText.Raw(path));
    }

    [Fact]
    public void NameAndContentsOfCompressedFilesMustAgree()
    {
        const string Rule = "expected rows as text, or compressed by gzip with a name that ends in .gz";
        string path = In("rows.txt.gz");
        File.WriteAllText(path, RowText.Numbered(1) + "\n");
        AssertError($"{path}: named .gz, but not compressed by gzip; {Rule}", RowText.Raw(path));

        string nothing = _folder.Write("parts/1.txt.gz", "");
        AssertError(
            $"{nothing}: an empty file, found by \"{In("parts")}\"; expected rows (one that is meant to be empty must be named itself)",
            RowText.Raw(In("parts")));
    }

    private static List<PlainRow>? ReadOrError(string path, byte[] bytes)
    {
        File.WriteAllBytes(path, bytes);
        try
        {
            return RowText.ReadAll(RowText.Raw(path));
        }
        catch (OpenEmbeddingException e)
        {
            Assert.StartsWith(path + ":", e.Message, StringComparison.Ordinal);
            Assert.DoesNotContain('\n', e.Message);
            Assert.Equal(JobExitCode.Data, e.ExitCode);
            return null;
        }
    }

    private static void AssertError(string expected, DataOptions options)
    {
        OpenEmbeddingException error = Assert.Throws<OpenEmbeddingException>(() => RowText.ReadAll(options));
        Assert.Equal(expected, error.Message);
        Assert.Equal(JobExitCode.Data, error.ExitCode);
    }

    private string In(string name) => Path.Combine(_folder.Path, name);

    private string[] Expand(params string[] names) =>
        [.. InputFiles.Expand([.. names.Select(name => Path.Combine(_folder.Path, name))])
            .Select(path => Path.GetRelativePath(_folder.Path, path))];
}
