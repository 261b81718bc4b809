using OpenEmbedding.Collectives;
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
            _folder.Write(name, "");
        }

        Assert.Equal(["part-10.txt", "part-2.txt"], Expand("part-*.txt"));
        Assert.Equal(["part-2.txt"], Expand("part-?.txt"));
        Assert.Equal(["a/day_1", "b/day_0"], Expand("*/day_?"));
        Assert.Equal(["other.txt", "part-10.txt", "part-2.txt"], Expand("other.txt", "p*"));
        Assert.Equal([".part-4.txt"], Expand(".*"));
    }

    [Theory]
    [InlineData("absent.txt", "no such file")]
    [InlineData("absent*.txt", "no file matches this pattern")]
    [InlineData("absent/*/x", "no file matches this pattern")]
    [InlineData("folder", "is a folder, expected a file or a pattern such as \"folder/*.txt\"")]
    public void WhatIsNotThereIsNamed(string name, string expected)
    {
        _folder.Write("folder/file", "");
        string path = Path.Combine(_folder.Path, name);
        OpenEmbeddingException error = Assert.Throws<OpenEmbeddingException>(() => RowText.ReadAll(RowText.Raw(path)));
        Assert.Equal($"{path}: {expected}", error.Message);
        Assert.Equal(JobExitCode.Data, error.ExitCode);
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

    private string[] Expand(params string[] names) =>
        [.. InputFiles.Expand([.. names.Select(name => Path.Combine(_folder.Path, name))])
            .Select(path => Path.GetRelativePath(_folder.Path, path))];
}
