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

    [Theory]
    [InlineData(0)]
    [InlineData(20_000)]
    public void Keys_that_are_added_together_are_found_one_by_one(int reserved)
    {
        using var index = new KeyIndex();
        index.Reserve(reserved);
        long[] keys = [.. Enumerable.Range(0, 20_000).Select(number => number * 7L)];
        uint[] rows = [.. Enumerable.Range(0, keys.Length).Select(number => (uint)(number + 3))];
        for (int start = 0; start < keys.Length; start += 500)
        {
            index.Add(keys.AsSpan(start, 500), rows.AsSpan(start, 500));
        }

        Assert.Equal(keys.Length, index.Count);
        Assert.All(keys, (key, number) => Assert.Equal(number + 3, index.Find(key, index.HomeOf(key))));
        Assert.Equal(-1, index.Find(1, index.HomeOf(1)));
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

    [Theory]
    [InlineData(40)]
    [InlineData(300)]
    [InlineData(long.MaxValue)]
    public void AgreesWithADictionaryWhenKeysLeave(long most)
    {
        // Few keys come back often and keep the first lines full; many make it grow between removals.
        Gen.Select(Gen.Long[0, most], Gen.Bool).Array[0, 3000].Sample(
            changes =>
            {
                using var index = new KeyIndex();
                var expected = new Dictionary<long, long>();
                foreach (var (key, leaves) in changes)
                {
                    if (leaves)
                    {
                        // With few keys in common the last one added leaves, so that some do.
                        long gone = expected.ContainsKey(key) || expected.Count == 0 ? key : expected.Keys.Last();
                        Assert.Equal(expected.Remove(gone, out long row) ? row : -1, index.Remove(gone));
                        Assert.Equal(-1, index.Find(gone, index.HomeOf(gone)));
                    }
                    else if (expected.TryAdd(key, expected.Count))
                    {
                        index.Add(key, expected[key]);
                    }
                }

                Assert.Equal(expected.Count, index.Count);
                AssertHolds(index, expected);
            },
            iter: 100);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(15)]
    public void KeysMoveUpWhenOneOfALongRunLeaves(int line)
    {
        // The 16 lines nearly full, so that runs go over the end, and each key leaves once from every state.
        using var index = new KeyIndex();
        long[] homes = [.. Enumerable.Range(0, 10_000).Select(key => (long)index.HomeOf(key)).Distinct().Order()];
        long[] ofLine = [.. Enumerable.Range(0, 10_000).Select(key => (long)key).Where(key => index.HomeOf(key) == homes[line]).Take(23)];
        long[] others = [.. Enumerable.Range(20_000, 41).Select(key => (long)key)];
        var expected = new Dictionary<long, long>();
        foreach (long key in ofLine.Concat(others))
        {
            expected.Add(key, expected.Count);
            index.Add(key, expected[key]);
        }

        var random = new Random(line);
        while (expected.Count > 0)
        {
            long key = expected.Keys.ElementAt(random.Next(expected.Count));
            Assert.Equal(expected[key], index.Remove(key));
            expected.Remove(key);
            AssertHolds(index, expected);
        }

        Assert.Equal(-1, index.Remove(ofLine[0]));
    }

    [Fact]
    public void ACycleOfKeysTakesNoMoreMemory()
    {
        using var index = new KeyIndex();
        for (long key = 0; key < 1000; key++)
        {
            index.Add(key, key);
        }

        long bytes = index.Bytes;
        for (long key = 1000; key < 100_000; key++)
        {
            Assert.Equal(key - 1000, index.Remove(key - 1000));
            index.Add(key, key);
        }

        Assert.Equal(bytes, index.Bytes);
        AssertHolds(index, Enumerable.Range(99_000, 1000).ToDictionary(key => (long)key, key => (long)key));
        index.Clear();
        AssertHolds(index, []);
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
