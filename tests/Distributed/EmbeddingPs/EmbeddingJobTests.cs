namespace OpenEmbedding.Distributed.Tests.EmbeddingPs;

/// <summary>Jobs that train embeddings with made-up gradients and compare every row with one process.</summary>
public sealed class EmbeddingJobTests
{
    private static string Program => Path.Combine(AppContext.BaseDirectory, "OpenEmbedding.EmbeddingPs.TestProgram.dll");

    [Theory]
    [Trait("Kind", "Job")]
    [InlineData(1, "ps", "auto")]
    [InlineData(2, "ps", "1")]
    [InlineData(4, "ps", "2")]
    [InlineData(3, "ps", "colocated")]
    [InlineData(4, "ps", "colocated:2")]
    [InlineData(3, "allgather", "auto")]
    [InlineData(3, "allreduce", "auto")]
    public void Every_row_is_that_of_one_process(int ranks, params string[] args)
    {
        var result = MpiJob.Run(ranks, Program, args);
        Assert.True(result.ExitCode == 0, result.ToString());
    }

    [Fact]
    [Trait("Kind", "Job")]
    public void One_process_alone_needs_no_launcher()
    {
        var result = MpiJob.Run(0, Program, ["ps", "colocated"]);
        Assert.True(result.ExitCode == 0, result.ToString());
    }

    [Theory]
    [Trait("Kind", "Job")]
    [InlineData("ps", "1", "the trainers do not agree on the tables: table 0 is")]
    [InlineData("ps", "colocated", "the trainers do not agree on the tables: table 0 is")]
    [InlineData("allgather", "auto", "The tables of rank")]
    public void Tables_that_differ_end_the_job(string strategy, string servers, string message)
    {
        var result = MpiJob.Run(3, Program, [strategy, servers, "different"]);
        Assert.True(result.ExitCode == 4 && result.Error.Contains(message), result.ToString());
    }
}
