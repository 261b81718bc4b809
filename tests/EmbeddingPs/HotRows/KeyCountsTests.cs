using CsCheck;
using OpenEmbedding.EmbeddingPs.HotRows;

namespace OpenEmbedding.EmbeddingPs.Tests.HotRows;

public class KeyCountsTests
{
    private static readonly HotKeySet _none = new([], 1);

    [Fact]
    public void WithRoomForAllKeysCountsAreExact()
    {
        var counts = new KeyCounts(4);
        counts.Add(0, [7, 8, long.MaxValue]);
        counts.Add(0, [7, 8]);
        counts.Add(0, [7, 0]);
        Assert.Equal([(new HotKey(0, 7), 3), (new HotKey(0, 8), 2)], counts.Largest(10, _none));
        Assert.Equal([1, 1, 0], new long[] { long.MaxValue, 0, 6 }.Select(key => counts.Of(new HotKey(0, key))));
        counts.Age();
        Assert.Equal([1, 1, 0, 0], new long[] { 7, 8, long.MaxValue, 0 }.Select(key => counts.Of(new HotKey(0, key))));
    }

    [Fact]
    public void CountsAreNeverTooLargeNorWrongByMoreThanTheBound()
    {
        const int Room = 16;
        Gen.Int[0, 12].SelectMany(bits => Gen.Long[0, 1L << bits]).Array[0, 2000].Sample(keys =>
        {
            var counts = new KeyCounts(Room);
            foreach (long key in keys)
            {
                counts.Add(0, [key]);
            }

            foreach (var group in keys.GroupBy(key => key))
            {
                Assert.InRange(counts.Of(new HotKey(0, group.Key)), group.Count() - (keys.Length / (Room / 2)), group.Count());
            }
        });
    }

    [Fact]
    public void HotKeysAreLeftOut()
    {
        var counts = new KeyCounts(8);
        counts.Set(new HotKey(0, 3), 5);
        counts.Set(new HotKey(0, 4), 4);
        Assert.Equal([(new HotKey(0, 4), 4)], counts.Largest(1, new HotKeySet([new HotKey(0, 3)], 1)));
    }
}
