using CsCheck;
using OpenEmbedding.EmbeddingPs.Tables;

namespace OpenEmbedding.EmbeddingPs.Tests.Tables;

public class KeyIndexTests
{
    [Fact]
    public void A_reserved_index_takes_keys_in_any_order_and_can_grow_on()
    {
        using var index = new KeyIndex();
        index.Reserve(1000);
        long reserved = index.Bytes;
        for (long key = 0; key < 1000; key++)
        {
            Assert.Equal(-1, index.Set(key, key));
        }

        Assert.Equal(reserved, index.Bytes);
        for (long key = 0; key < 3000; key++)
        {
            Assert.Equal(key < 1000 ? key : -1, index.Set(key, key + 7));
        }

        Assert.All(Enumerable.Range(0, 3000), key => Assert.Equal(key + 7, index.Find(key, index.HomeOf(key))));
    }

    [Fact]
    public void AgreesWithADictionary()
    {
        Gen.OneOf(Gen.Long[0, 300], Gen.Long[0, long.MaxValue], Gen.OneOfConst(0, long.MaxValue)).Array[0, 2000].Sample(
            keys =>
            {
                using var index = new KeyIndex();
                var expected = new Dictionary<long, long>();
                foreach (long key in keys)
                {
                    Assert.Equal(expected.GetValueOrDefault(key, -1), index.Find(key, index.HomeOf(key)));
                    if (expected.TryAdd(key, expected.Count))
                    {
                        index.Add(key, expected[key]);
                    }
                }

                AssertHolds(index, expected);
            },
            iter: 100);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(15)]
    public void KeysOfOneLineGoOnBehindIt(int line)
    {
        // More than two lines of keys that begin in the same one; behind the last line comes the first.
        using var index = new KeyIndex();
        long[] homes = [.. Enumerable.Range(0, 10_000).Select(key => (long)index.HomeOf(key)).Distinct().Order()];
        Assert.Equal(16, homes.Length);
        var expected = new Dictionary<long, long>();
        for (long key = 0; expected.Count < 13; key++)
        {
            if (index.HomeOf(key) == homes[line])
            {
                expected.Add(key, expected.Count);
                index.Add(key, expected[key]);
            }
        }

        AssertHolds(index, expected);
        Assert.Equal(5, expected.Keys.Count(key => KeyIndex.FindAtHome(key, index.HomeOf(key)) == expected[key]));
        Assert.Equal(-1, index.Find(long.MaxValue, (nint)homes[line]));
    }

    [Fact]
    public void ARowHasTheLargestNumber()
    {
        using var index = new KeyIndex();
        index.Add(7, KeyIndex.MostRows);
        Assert.Equal(KeyIndex.MostRows, index.Find(7, index.HomeOf(7)));
    }

    [Fact]
    public void AKeyTakes16To24Bytes()
    {
        using var index = new KeyIndex();
        for (long key = 0; key < 300_000; key++)
        {
            index.Add(key, key);
            if (key >= 1000)
            {
                Assert.InRange(index.Bytes, 16 * (key + 1), 24 * (key + 1));
            }
        }
    }

    private static void AssertHolds(KeyIndex index, Dictionary<long, long> expected)
    {
        Assert.All(expected, pair => Assert.Equal(pair.Value, index.Find(pair.Key, index.HomeOf(pair.Key))));
        var stored = new Dictionary<long, long>();
        for (long place = 0; place < index.Places; place++)
        {
            var (key, row) = index.KeyAt(place);
            if (key >= 0)
            {
                stored.Add(key, row);
            }
        }

        Assert.Equal(expected.OrderBy(pair => pair.Key), stored.OrderBy(pair => pair.Key));
    }
}
