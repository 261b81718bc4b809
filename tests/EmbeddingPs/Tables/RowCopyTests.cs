using OpenEmbedding.EmbeddingPs.Tables;

namespace OpenEmbedding.EmbeddingPs.Tests.Tables;

public unsafe class RowCopyTests
{
    [Fact]
    public void CopiesAnySizeAndNothingBesideIt()
    {
        const int Largest = 1100;
        const int Margin = 64;
        byte[] source = new byte[Largest];
        new Random(1).NextBytes(source);
        for (int bytes = 4; bytes <= Largest; bytes += 4)
        {
            byte[] copied = new byte[Margin + Largest + Margin];
            byte[] expected = new byte[copied.Length];
            Array.Fill<byte>(copied, 0xA5);
            Array.Fill<byte>(expected, 0xA5);
            source.AsSpan(0, bytes).CopyTo(expected.AsSpan(Margin));
            fixed (byte* from = source, to = copied)
            {
                RowCopy.Copy(from, to + Margin, bytes);
            }

            Assert.Equal(expected, copied);
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(9)]
    [InlineData(64)]
    [InlineData(100)]
    [InlineData(1500)]
    public void GathersAnyNumberOfRows(int dimension)
    {
        // From no row to more than are asked for ahead.
        const int Most = 150;
        var options = new TableOptions { Name = "rows", Vocabulary = 4 * Most, Dimension = dimension };
        using var table = EmbeddingTable.Create(options, 0, 1);
        long[] keys = [.. Enumerable.Range(0, Most).Select(i => i * 7919L % (4 * Most))];
        long[] rows = table.FindOrAdd(keys);
        float[] expected = [.. keys.SelectMany(key => table.Read(key))];
        for (int count = 0; count <= Most; count++)
        {
            Assert.Equal(expected[..(count * dimension)], table.Gather(rows[..count]));
        }
    }
}
