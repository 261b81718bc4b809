using CsCheck;
using OpenEmbedding.EmbeddingPs.HotRows;
using OpenEmbedding.EmbeddingPs.Optimizers;
using OpenEmbedding.EmbeddingPs.Tables;
using OpenEmbedding.EmbeddingPs.Tests.Optimizers;
using OpenEmbedding.EmbeddingPs.Tests.Server;

namespace OpenEmbedding.EmbeddingPs.Tests.HotRows;

/// <summary>Random jobs whose gradients add up exactly, so that every row must have the very bits of the reference, whoever holds it.</summary>
public class HotRowJobTests
{
    [Theory]
    [InlineData(1, 1)]
    [InlineData(1, 3)]
    [InlineData(2, 2)]
    [InlineData(3, null)]
    [InlineData(4, 3)]
    public void RowsThatComeAndGoEqualOneProcess(int trainers, int? servers) =>
        Run(trainers, servers, new HotRowOptions { HotRows = 25, Period = 3 }, iterations: 12);

    [Theory]
    [InlineData(1, 1)]
    [InlineData(3, 2)]
    [InlineData(4, null)]
    public void SmallTablesThatStayEqualOneProcess(int trainers, int? servers) =>
        Run(trainers, servers, new HotRowOptions { SparseAsDenseSize = 60 }, iterations: 12);

    [Fact]
    public void BothTogetherEqualOneProcess() =>
        Run(trainers: 3, servers: 2, new HotRowOptions { SparseAsDenseSize = 60, HotRows = 1000, Period = 1 }, iterations: 12);

    private static void Run(int trainers, int? servers, HotRowOptions options, int iterations) =>
        Gen.Int.Sample(
            seed =>
            {
                var random = new Random(seed);
                var tables = RandomTables(random);
                using var cluster = new HotCluster(trainers, servers, options).CreateTables(tables);
                using var job = new RandomJob(random, cluster.Trainers, tables, exactSums: true, pullsMakeRows: false);
                job.Run(steps: 14);
            },
            iter: iterations,
            threads: 1);

    // Every rule; some tables share their keys with others, and some arrays are too large to stay.
    private static TableOptions[] RandomTables(Random random)
    {
        OptimizerOptions[] rules = [.. OptimizerCases.ByName.Values];
        return Array.ConvertAll(RandomJob.RandomTables(random), table =>
        {
            bool isLarge = table.Kind == TableKind.Array && random.Next(2) == 0;
            return table with
            {
                Optimizer = rules[random.Next(rules.Length)],
                Vocabulary = isLarge ? 90 : 60,
                KeySpace = random.Next(2) == 0 ? $"{(isLarge ? "large" : table.Kind)} keys" : null,
            };
        });
    }
}
