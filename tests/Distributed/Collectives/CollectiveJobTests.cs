namespace OpenEmbedding.Distributed.Tests.Collectives;

/// <summary>Jobs that check themselves and end with 0 when every expectation held.</summary>
public sealed class CollectiveJobTests
{
    [Theory]
    [Trait("Kind", "Job")]
    [InlineData(1, "collectives")]
    [InlineData(3, "collectives")]
    [InlineData(4, "collectives", "call_bytes=64", "fusion_bytes=512")]
    [InlineData(1, "messages")]
    [InlineData(3, "messages")]
    [InlineData(3, "messages", "call_bytes=1000")]
    [InlineData(5, "sets")]
    [InlineData(3, "join", "fusion_bytes=16")]
    [InlineData(4, "threads")]
    [InlineData(2, "errors")]
    public void Job_checks_itself(int ranks, params string[] args) => Succeeds(ranks, args);

    [Theory]
    [Trait("Kind", "Long")]
    [InlineData(2, "collectives")]
    [InlineData(8, "collectives")]
    [InlineData(8, "messages")]
    [InlineData(8, "sets")]
    [InlineData(8, "join")]
    [InlineData(8, "threads")]
    [InlineData(2, "large")]
    public void Job_checks_itself_at_length(int ranks, params string[] args) => Succeeds(ranks, args);

    [Theory]
    [Trait("Kind", "Job")]
    [InlineData("collectives")]
    [InlineData("messages")]
    [InlineData("sets")]
    [InlineData("join")]
    [InlineData("threads")]
    public void One_process_alone_needs_no_launcher(string job) => Succeeds(0, job);

    // MPICH takes each rank for a host of its own, and UCX sends through the network.
    [Theory]
    [Trait("Kind", "Job")]
    [InlineData(4, "meet")]
    [InlineData(3, "collectives")]
    [InlineData(3, "messages")]
    public void Job_of_hosts_with_one_rank_each_checks_itself(int ranks, params string[] args) =>
        Succeeds(MpiJob.Run(
            ranks,
            CollectivesProgram.Path,
            args,
            new Dictionary<string, string?> { ["MPIR_CVAR_NOLOCAL"] = "1", ["UCX_TLS"] = "tcp,self" },
            TimeSpan.FromSeconds(60)));

    private static void Succeeds(int ranks, params string[] args) => Succeeds(CollectivesProgram.Run(ranks, args));

    private static void Succeeds(MpiJobResult result)
    {
        Assert.True(result.ExitCode == 0, result.ToString());
        Assert.Equal("", result.Error);
    }
}
