using CsCheck;
using OpenEmbedding.EmbeddingPs.Tables;

namespace OpenEmbedding.EmbeddingPs.Tests.Tables;

public class ShardingTests
{
    [Fact]
    public void QuotientsAreExact()
    {
        Gen.Select(Gen.OneOf(Gen.Int[1, 100], Gen.Int[1, 1 << 24]), Gen.Long[0, ArrayTable.LargestVocabulary - 1]).Sample(
            (shards, key) =>
            {
                ulong reciprocal = Sharding.Reciprocal(shards);
                Assert.Equal(key / shards, Sharding.Divide(key, reciprocal));

                // Around a multiple an inexact quotient would show first.
                long multiple = key / shards * shards;
                Assert.Equal(multiple / shards, Sharding.Divide(multiple, reciprocal));
                if (multiple > 0)
                {
                    Assert.Equal((multiple - 1) / shards, Sharding.Divide(multiple - 1, reciprocal));
                }
            },
            iter: 100_000);
    }
}
