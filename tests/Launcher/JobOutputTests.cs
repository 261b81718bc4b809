using System.Text;
using System.Text.RegularExpressions;
using CsCheck;
using OpenEmbedding.Launcher.Options;
using OpenEmbedding.Launcher.Output;

namespace OpenEmbedding.Launcher.Tests;

public sealed partial class JobOutputTests : IDisposable
{
    private static readonly RankMarker _marker = new("word");

    private readonly string _folder = Directory.CreateTempSubdirectory("oe-run-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void PartsTheStreamHoweverItIsCut()
    {
        byte[] stream = Encoding.UTF8.GetBytes(
            "hydra says\n@word:1@one @word:0@zero\n@word:1@more @word:x@ @\n@word:1@\n@word:12345678901@\n@word:0@@word:0@é\n@word:1@end\nhydra again\n@wor");
        Gen.Int[1, stream.Length].Sample(cut =>
        {
            var pieces = new Dictionary<int, string>();
            var splitter = new RankSplitter(_marker, (rank, bytes) => pieces[rank] = pieces.GetValueOrDefault(rank, "") + Encoding.Latin1.GetString(bytes));
            foreach (byte[] part in stream.Chunk(cut))
            {
                splitter.Write(part);
            }

            splitter.Finish();
            Assert.Equal("hydra says\n@word:12345678901@\nhydra again\n@wor", pieces[RankSplitter.Hydra]);
            Assert.Equal("zero\n\u00c3\u00a9\n", pieces[0]);
            Assert.Equal("one more @word:x@ @\n\nend\n", pieces[1]);
        });
    }

    [Fact]
    public void WhatRanksWriteComesOutByteForByte()
    {
        // Pieces as hydra makes them: it marks the beginning of each line and of each piece.
        Gen<byte[]> bytes = Gen.OneOfConst((byte)'\n', (byte)'@', (byte)'w', (byte)':', (byte)'0', (byte)0, (byte)0xff).Array[1, 20];
        Gen.Select(Gen.Int[0, 2], bytes).Array[0, 20].Select(Gen.Int[1, 40]).Sample((pieces, cut) =>
        {
            var written = new List<byte>[] { [], [], [] };
            var stream = new List<byte>();
            foreach ((int rank, byte[] piece) in pieces)
            {
                written[rank].AddRange(piece);
                for (int i = 0; i < piece.Length; i++)
                {
                    if (i == 0 || piece[i - 1] == '\n')
                    {
                        stream.AddRange(Encoding.ASCII.GetBytes($"@word:{rank}@"));
                    }

                    stream.Add(piece[i]);
                }
            }

            var read = new List<byte>[] { [], [], [] };
            var splitter = new RankSplitter(_marker, (rank, part) => read[rank].AddRange(part));
            foreach (byte[] part in stream.Chunk(cut))
            {
                splitter.Write(part);
            }

            splitter.Finish();
            Assert.Equal(written, read);
        });
    }

    [Fact]
    public void ALineOfARankIsWholeAndNamesIt()
    {
        string console = Write(LinePrefix.Rank, null, "@word:1@one @word:0@zero\n@word:1@more\n@word:0@\nhydra\n@word:0@end");

        Assert.Equal("[0] zero\n[1] one more\n[0] \nhydra\n[0] end\n", console);
    }

    [Fact]
    public void TheTimeIsInUtc()
    {
        DateTimeOffset before = DateTimeOffset.UtcNow.AddMilliseconds(-1);
        Match line = TimedLine().Match(Write(LinePrefix.TimeAndRank, null, "@word:0@x\n"));

        Assert.True(line.Success);
        Assert.InRange(DateTimeOffset.Parse(line.Groups[1].Value), before, DateTimeOffset.UtcNow);
    }

    [Fact]
    public void FilesHoldWhatTheirRankWrote()
    {
        using var files = new RankFiles(_folder, "stdout", 11, TextWriter.Null);

        string console = Write(LinePrefix.None, files, "@word:10@ten @word:1@one\n@word:10@more\nhydra\n");

        Assert.Equal("ten one\nmore\nhydra\n", console);
        Assert.Equal("ten more\n", File.ReadAllText(Path.Combine(_folder, "rank.10", "stdout")));
        Assert.Equal("one\n", File.ReadAllText(Path.Combine(_folder, "rank.01", "stdout")));
        Assert.Equal(11, Directory.GetFiles(_folder, "stdout", SearchOption.AllDirectories).Length);
    }

    [Fact]
    public void ALongLineIsWrittenInParts()
    {
        string text = new('x', 3 << 20);

        string[] lines = Write(LinePrefix.Rank, null, $"@word:0@{text}\n@word:0@y\n").Split('\n', StringSplitOptions.RemoveEmptyEntries);

        Assert.Equal("[0] y", lines[^1]);
        Assert.Equal(text.Length, lines[..^1].Sum(line => line.Length - "[0] ".Length));
    }

    [Fact]
    public void AConsoleThatIsGoneIsNamedOnceAndFilesGoOn()
    {
        using var files = new RankFiles(_folder, "stdout", 1, TextWriter.Null);
        var messages = new StringWriter();
        using (var output = new JobOutput(new ClosedPipe(), "stdout", messages, _marker, LinePrefix.None, files))
        {
            output.Write("@word:0@one\n"u8);
            output.Write("@word:0@two\n"u8);
        }

        Assert.Equal("oe-run: stdout cannot be written any more: nobody reads; the job goes on\n", messages.ToString());
        Assert.Equal("one\ntwo\n", File.ReadAllText(Path.Combine(_folder, "rank.0", "stdout")));
    }

    private static string Write(LinePrefix prefix, RankFiles? files, string stream)
    {
        var console = new MemoryStream();
        using (var output = new JobOutput(console, "stdout", TextWriter.Null, _marker, prefix, files))
        {
            output.Write(Encoding.UTF8.GetBytes(stream));
        }

        return Encoding.UTF8.GetString(console.ToArray());
    }

    [GeneratedRegex(@"^(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}Z) \[0\] x\n$")]
    private static partial Regex TimedLine();

    private sealed class ClosedPipe : MemoryStream
    {
        public override void Write(ReadOnlySpan<byte> buffer) => throw new IOException("nobody reads");
    }
}
