using OpenEmbedding.Trainer.Models;

namespace OpenEmbedding.Trainer.Tests.Models;

public sealed class TorchThreadsTests
{
    [Theory]
    [InlineData(1, 2, 2, 8, 0)]
    [InlineData(4, 32, 32, 8, 0)]
    [InlineData(4, 4, 32, 8, 0)]
    [InlineData(4, 16, 32, 8, 0)]
    [InlineData(1, 1, 32, 8, 0)]
    [InlineData(2, 2, 32, 1, 0)]
    [InlineData(8, 16, 16, 1, 8)]
    [InlineData(7, 16, 16, 2, 1)]
    [InlineData(1, 2, 2, 6, 2)]
    [InlineData(1, 2, 2, 1, 3)]
    public void ATrainerHasItsShareOfWhatServersLeaveAndNoMoreThanItsCores(int expected, int own, int host, int trainers, int servers)
    {
        Assert.Equal(expected, TorchThreads.Count(own, host, trainers, servers));
    }

    [Theory]
    [InlineData(null, 16, null)]
    [InlineData(null, 16, "")]
    [InlineData(4, 4, "4")]
    [InlineData(3, 16, "3")]
    [InlineData(2, 2, "8")]
    [InlineData(1, 16, "0")]
    public void SlurmSaysTheCoresOfATask(int? expected, int own, string? coresOfTask)
    {
        Assert.Equal(expected, TorchThreads.Asked(own, coresOfTask));
    }
}
