using CsCheck;
using OpenEmbedding.EmbeddingPs.Client;
using OpenEmbedding.EmbeddingPs.Tables;

namespace OpenEmbedding.EmbeddingPs.Tests.Client;

public class KeyBatchTests
{
    private static readonly Gen<long> _ids = Gen.OneOf(Gen.Long[0, 50], Gen.Long, Gen.Long[0, 30].Select(id => id << 40));

    [Fact]
    public void APlanIsThatOfPlainCode()
    {
        var batch = new KeyBatch();
        Gen.Select(_ids.Array[0, 300], Gen.Enum<TableKind>(), Gen.Int[1, 5]).Sample(
            (ids, kind, shards) =>
            {
                batch.Plan(ids, kind, shards);
                long[] expected = [.. ids.Distinct().Select(key => (key, Sharding.ShardOf(kind, key, shards))).OrderBy(pair => pair.Item2).Select(pair => pair.key)];
                Assert.Equal(expected, batch.Keys.ToArray());
                Assert.Equal(expected.Length, batch.Count);
                Assert.Equal(ids, batch.Positions.ToArray().Select(position => expected[position]));
                Assert.Equal(
                    Enumerable.Range(0, shards + 1).Select(shard => expected.Count(key => Sharding.ShardOf(kind, key, shards) < shard)),
                    batch.ShardOffsets.ToArray());
                Assert.Equal(ids.Length == 0 ? 0 : ids.Max(id => (ulong)id), batch.LargestKey);
            },
            threads: 1);
    }

    [Fact]
    public void APlanOfSomeKeysOfAnotherIsThatOfThoseKeys()
    {
        var (batch, some, all, expected) = (new KeyBatch(), new KeyBatch(), new KeyBatch(), new KeyBatch());
        Gen.Select(_ids.Array[0, 300], Gen.Enum<TableKind>(), Gen.Int[1, 5], Gen.Int[0, 10]).Sample(
            (ids, kind, shards, share) =>
            {
                batch.Plan(ids, kind, shards);
                int[] places = [.. Enumerable.Range(0, batch.Count).Where(place => place * 7 % 10 < share)];
                some.Select(batch, places);
                all.CopyKeys(batch);
                expected.Plan([.. places.Select(place => batch.Keys[place])], kind, shards);
                AssertSameKeys(expected, some);
                AssertSameKeys(batch, all);
                Assert.True(some.LargestKey >= expected.LargestKey);
            },
            threads: 1);
    }

    [Fact]
    public void ASecondPlanOfTheSameSizeAllocatesNothing()
    {
        var random = new Random(1);
        long[] ids = [.. Enumerable.Range(0, 4096).Select(_ => random.NextInt64(3000))];
        var batch = new KeyBatch();
        batch.Plan(ids, TableKind.Hash, 3);
        long before = GC.GetAllocatedBytesForCurrentThread();
        batch.Plan(ids, TableKind.Hash, 3);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    [Fact]
    public void NoShardsAreRefused()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => new KeyBatch().Plan([1], TableKind.Hash, 0));
    }

    private static void AssertSameKeys(KeyBatch expected, KeyBatch actual)
    {
        Assert.Equal(expected.Keys.ToArray(), actual.Keys.ToArray());
        Assert.Equal(expected.ShardOffsets.ToArray(), actual.ShardOffsets.ToArray());
        Assert.Equal((expected.Kind, expected.Shards, expected.Count), (actual.Kind, actual.Shards, actual.Count));
        Assert.True(actual.Positions.IsEmpty);
    }
}
