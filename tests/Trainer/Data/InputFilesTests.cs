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
        AssertError($"{csv}: named as CSV, which {rows} is not; {Rule}", RowText.Raw(In("mixed")));
        AssertError($"{rows}: not named .csv or .csv.gz as {csv} is; {Rule}", RowText.Raw(csv, rows));
    }

    [Theory]
    [InlineData("PAR1\u0015", "a Parquet file")]
    [InlineData("PK\u0003\u0004", "a ZIP archive")]
    [InlineData("\u001f\u008b\u0008", "compressed by gzip, but its name does not tell")]
    [InlineData("\u0028\u00b5\u002f\u00fd", "compressed by zstd")]
    public void FileThatIsNoTextIsNamed(string start, string expected)
    {
        _folder.Write("days/1.txt", RowText.Numbered(0) + "\n");
        string path = _folder.Write("days/2.txt", System.Text.Encoding.Latin1.GetBytes(start));

        const string Rule = "expected Criteo's TSV or CSV as text, or compressed by gzip with a name that ends in .gz";
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

    [Fact]
    public void DamagedCompressionIsAnErrorOfTheFile()
    {
        string path = _folder.Write("rows.txt.gz", string.Concat(Enumerable.Range(0, 5000).Select(i => RowText.Numbered(i * 977) + "\n")));
        byte[] bytes = File.ReadAllBytes(path);
        File.WriteAllBytes(path, bytes[..(bytes.Length / 2)]);
        OpenEmbeddingException error = Assert.Throws<OpenEmbeddingException>(() => RowText.ReadAll(RowText.Raw(path)));
        Assert.StartsWith(path + ":", error.Message, StringComparison.Ordinal);
        Assert.Equal(JobExitCode.Data, error.ExitCode);

        File.WriteAllText(path, "not compressed");
        error = Assert.Throws<OpenEmbeddingException>(() => RowText.ReadAll(RowText.Raw(path)));
        Assert.StartsWith($"{path}:1: cannot be read: ", error.Message, StringComparison.Ordinal);
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
