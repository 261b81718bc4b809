using OpenEmbedding.Trainer.Models;

namespace OpenEmbedding.Trainer.Tests.Models;

public sealed class TorchThreadsTests
{
    [Theory]
    [InlineData(1, 2, 2, 8)]
    [InlineData(4, 32, 32, 8)]
    [InlineData(4, 4, 32, 8)]
    [InlineData(4, 16, 32, 8)]
    [InlineData(1, 1, 32, 8)]
    [InlineData(2, 2, 32, 1)]
    public void ARankHasItsShareOfTheHostAndNoMoreThanItsCores(int expected, int own, int host, int ranks)
    {
        Assert.Equal(expected, TorchThreads.Count(own, host, ranks));
    }
}
