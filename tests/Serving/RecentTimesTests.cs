namespace OpenEmbedding.Serving.Tests;

public sealed class RecentTimesTests
{
    [Fact]
    public void Quantiles_are_those_of_the_last_requests()
    {
        var times = new RecentTimes();
        Assert.Empty(times.Quantiles(0.5));

        times.Add(7);
        Assert.Equal([7, 7], times.Quantiles(0.5, 0.99));

        // The first one is forgotten after 2048 others.
        for (int i = 1; i <= 2048; i++)
        {
            times.Add(i);
        }

        Assert.Equal([1, 1024, 2028, 2048], times.Quantiles(0, 0.5, 0.99, 1));
        Assert.Equal(2049, times.Count);
    }
}
