namespace OpenEmbedding.Collectives.Tests;

public sealed class HostGridTests
{
    [Theory]
    [InlineData("a a a b b b", 0, "0 1 2|0 3")]
    [InlineData("a a a b b b", 4, "3 4 5|1 4")]
    [InlineData("a b a b c c", 3, "1 3|2 3 5")]
    [InlineData("a a a a", 1, "0 1 2 3")]
    [InlineData("a b c d", 1, "0 1 2 3")]
    [InlineData("a a b", 2, "0 1 2")]
    [InlineData("a", 0, "0")]
    public void Ranks_are_reduced_on_their_host_and_then_between_hosts(string hosts, int rank, string groups) =>
        Assert.Equal(groups, string.Join('|', HostGrid.Groups(hosts.Split(' '), rank).Select(group => string.Join(' ', group))));
}
