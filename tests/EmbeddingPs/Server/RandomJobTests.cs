using CsCheck;

namespace OpenEmbedding.EmbeddingPs.Tests.Server;

public class RandomJobTests
{
    [Theory]
    [InlineData(1, 1)]
    [InlineData(1, 3)]
    [InlineData(2, 1)]
    [InlineData(2, 2)]
    [InlineData(3, null)]
    [InlineData(4, 1)]
    [InlineData(4, 3)]
    [InlineData(4, null)]
    public void AnyJobEqualsOneProcessWhateverTheOrderOfArrival(int trainers, int? servers)
    {
        Gen.Int.Sample(
            seed =>
            {
                var random = new Random(seed);
                var tables = RandomJob.RandomTables(random);
                using var cluster = new PsCluster(trainers, servers);
                cluster.CreateTables(tables);
                using var job = new RandomJob(random, cluster.Trainers, tables);
                job.Run(steps: 8);
            },
            iter: 12,
            threads: 1);
    }
}
