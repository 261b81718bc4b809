using CsCheck;
using OpenEmbedding.EmbeddingPs.Replicas;
using OpenEmbedding.EmbeddingPs.Tests.Replicas;
using OpenEmbedding.EmbeddingPs.Tests.Server;

namespace OpenEmbedding.EmbeddingPs.Tests.Growth;

/// <summary>Stores whose tables' growth is bounded, beside plain dictionaries.</summary>
public sealed class GrowthJobTests(ReplicaStoreTests.Alone alone) : IClassFixture<ReplicaStoreTests.Alone>
{
    [Theory]
    [InlineData(1, 1)]
    [InlineData(1, 2)]
    [InlineData(2, 1)]
    [InlineData(3, 3)]
    public void Servers_agree_with_dictionaries(int trainers, int servers)
    {
        long evicted = 0;
        Gen.Int.Sample(
            seed =>
            {
                var random = new Random(seed);
                var tables = GrowthJob.RandomTables(random);
                using var cluster = new PsCluster(trainers, servers).CreateTables(tables);
                using var job = new GrowthJob(random, cluster.Trainers, tables);
                evicted += job.Run(steps: 30);
            },
            iter: 40,
            threads: 1);
        Assert.NotEqual(0, evicted);
    }

    [Fact]
    public void Replicas_agree_with_dictionaries()
    {
        Gen.Int.Sample(
            seed =>
            {
                var random = new Random(seed);
                var tables = GrowthJob.RandomTables(random);
                using var store = new AllGatherStore(alone.Communication.World);
                store.CreateTables(tables);
                using var job = new GrowthJob(random, [store], tables);
                job.Run(steps: 30);
            },
            iter: 40,
            threads: 1);
    }
}
