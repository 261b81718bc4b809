using OpenEmbedding.Trainer.Models;

namespace OpenEmbedding.Trainer.Tests.Models;

public sealed class TorchThreadsTests
{
    [Theory]
    [InlineData(16, 4, null, 4)]
    [InlineData(2, 8, null, 1)]
    [InlineData(4, 4, "4", 4)]
    [InlineData(16, 4, "3", 3)]
    [InlineData(2, 4, "8", 2)]
    [InlineData(16, 4, "0", 1)]
    [InlineData(16, 4, "", 4)]
    public void Slurm_says_the_cores_of_a_task_or_the_ranks_share_those_of_the_host(int cores, int ranksOnHost, string? coresOfTask, int threads) =>
        Assert.Equal(threads, TorchThreads.Of(cores, ranksOnHost, coresOfTask));
}
