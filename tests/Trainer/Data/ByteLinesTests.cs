using System.Text;
using CsCheck;
using OpenEmbedding.Trainer.Data;

namespace OpenEmbedding.Trainer.Tests.Data;

public sealed class ByteLinesTests
{
    [Fact]
    public void SkippingAndReadingMixLikeALineReader() =>
        Gen.Select(Gen.String["a\r\n"], Gen.Int[1, 9], Gen.Int[1, 5], Gen.Select(Gen.Bool, Gen.Int[0, 4]).Array[1, 12]).Sample(
            (text, blockBytes, bytesAtOnce, calls) =>
            {
                using ByteLines lines = new(new DribblingStream(Encoding.ASCII.GetBytes(text), bytesAtOnce), "text", blockBytes);
                Queue<string> expected = new(text.Length == 0 ? [] : (text.EndsWith('\n') ? text[..^1] : text).Split('\n'));
                long line = 0;
                foreach ((bool skips, int count) in calls)
                {
                    if (skips)
                    {
                        long left = Math.Min(count, expected.Count);
                        Assert.Equal(left, lines.Skip(count));
                        line += left;
                        for (; left > 0; left--)
                        {
                            expected.Dequeue();
                        }
                    }
                    else
                    {
                        string? next = ReadLine(lines);
                        Assert.Equal(expected.TryDequeue(out string? wanted) ? WithoutReturn(wanted) : null, next);
                        line += next is null ? 0 : 1;
                    }

                    Assert.Equal(line, lines.Line);
                }
            });

    [Fact]
    public void SkippingCountsOverManyBlocks()
    {
        string text = string.Concat(Enumerable.Range(0, 20_000).Select(i => $"line {i}\n"));
        using ByteLines lines = new(new MemoryStream(Encoding.ASCII.GetBytes(text)), "text", 1 << 16);
        Assert.Equal(12_345, lines.Skip(12_345));
        Assert.Equal("line 12345", ReadLine(lines));
        Assert.Equal(7_654, lines.Skip(long.MaxValue));
        Assert.Null(ReadLine(lines));
    }

    private static string WithoutReturn(string line) => line.EndsWith('\r') ? line[..^1] : line;

    private static unsafe string? ReadLine(ByteLines lines) =>
        lines.TryRead((byte)'\t', out byte* line, out int length) ? Encoding.ASCII.GetString(line, length) : null;

    /// <summary>Gives a few bytes for each read.</summary>
    private sealed class DribblingStream(byte[] bytes, int bytesAtOnce) : MemoryStream(bytes)
    {
        public override int Read(Span<byte> buffer) => base.Read(buffer[..Math.Min(buffer.Length, bytesAtOnce)]);
    }
}
