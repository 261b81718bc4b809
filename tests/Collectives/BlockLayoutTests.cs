using CsCheck;

namespace OpenEmbedding.Collectives.Tests;

public sealed class BlockLayoutTests
{
    [Fact]
    public void Even_blocks_cover_everything_and_differ_by_one_at_most() =>
        Gen.Select(Gen.Long[0, 1L << 40], Gen.Int[1, 70]).Sample((count, ranks) =>
        {
            var layout = BlockLayout.Even(count, ranks, elementBytes: 8);
            var counts = Enumerable.Range(0, ranks).Select(rank => layout.BytesOf(rank) / 8).ToArray();
            return layout.TotalBytes == count * 8
                && counts.Max() - counts.Min() <= 1
                && counts.SequenceEqual(counts.OrderDescending());
        });

    [Fact]
    public void Blocks_follow_one_another()
    {
        var layout = BlockLayout.Of([3, 0, 1L << 33], elementBytes: 4);
        Assert.Equal((0, 12, 12), (layout.OffsetOf(0), layout.OffsetOf(1), layout.OffsetOf(2)));
        Assert.Equal((12, 0, 1L << 35), (layout.BytesOf(0), layout.BytesOf(1), layout.BytesOf(2)));
    }

    [Fact]
    public void Negative_count_is_refused() =>
        Assert.Throws<ArgumentOutOfRangeException>(() => BlockLayout.Of([1, -1], 4));
}
