using CsCheck;
using OpenEmbedding.Collectives;
using OpenEmbedding.EmbeddingPs.Server;

namespace OpenEmbedding.EmbeddingPs.Tests.Server;

public class ClusterLayoutTests
{
    [Theory]
    [InlineData("1", "aaaa", "3")]
    [InlineData("2", "aabb", "1 3")]
    [InlineData("3", "aabb", "1 2 3")]
    [InlineData("2", "abcd", "1 2")]
    [InlineData("2", "ababab", "4 5")]
    [InlineData("3", "aaaabbbb", "2 3 7")]
    [InlineData("auto", "a", "0")]
    [InlineData("auto", "aa", "1")]
    [InlineData("auto", "aaaabbbb", "3 7")]
    [InlineData("colocated", "aab", "0 1 2")]
    [InlineData("colocated:1", "aab", "1")]
    [InlineData("colocated:2", "aaaabbbb", "3 7")]
    [InlineData("colocated:3", "aab", "0 1 2")]
    public void ServersAreSpreadOverHosts(string servers, string hosts, string expected)
    {
        var layout = Create(servers, hosts);
        Assert.Equal(expected, string.Join(' ', layout.Servers));
        int[] trainers = [.. Enumerable.Range(0, hosts.Length)];
        Assert.Equal(servers.StartsWith("colocated", StringComparison.Ordinal) || hosts.Length == 1 ? trainers : trainers.Except(layout.Servers), layout.Trainers);
    }

    [Theory]
    [InlineData("4", "aabb", "cluster.servers is 4, but a job of 4 ranks has room for at most 3, because one rank must train; start more ranks, or use \"auto\" or \"colocated\".")]
    [InlineData("1", "a", "cluster.servers is 1, but a job of 1 rank has room for at most 0, because one rank must train; start more ranks, or use \"auto\" or \"colocated\".")]
    [InlineData("colocated:3", "aa", "cluster.servers is colocated:3, but a job of 2 ranks has no more than 2; start more ranks, or use \"colocated\".")]
    public void TooManyServersAreRefused(string servers, string hosts, string message)
    {
        var error = Assert.Throws<OpenEmbeddingException>(() => Create(servers, hosts));
        Assert.Equal(message, error.Message);
        Assert.Equal(JobExitCode.Cluster, error.ExitCode);
    }

    [Fact]
    public void RolesAreDealtOnceWhateverTheHosts()
    {
        Gen.Select(Gen.Char['a', 'd'].Array[2, 12], Gen.Int[1, 11]).Where((hosts, servers) => servers < hosts.Length).Sample(
            (hosts, servers) =>
            {
                var layout = Create(servers.ToString(), new string(hosts));
                Assert.Equal(servers, layout.Servers.Count);
                Assert.Equal(Enumerable.Range(0, hosts.Length), layout.Trainers.Concat(layout.Servers).Order());
                Assert.Equal(0, layout.Trainers[0]);
                Assert.Equal(Enumerable.Range(0, servers), layout.Servers.Select(layout.ShardOf));
                Assert.All(layout.Servers, rank => Assert.Equal(-1, layout.TrainerOf(rank)));
            });
    }

    private static ClusterLayout Create(string servers, string hosts)
    {
        Assert.True(ServerCount.TryParse(servers, out var count));
        return ClusterLayout.Create(count, [.. hosts.Select(host => host.ToString())]);
    }
}
