namespace OpenEmbedding.Distributed.Tests.Slurm;

/// <summary>The script that runs the cluster.</summary>
[Trait("Kind", "Job")]
[Collection(SlurmTests.Name)]
public sealed class ClusterScriptTests(SlurmCluster cluster)
{
    [SlurmFact]
    public void SecondUpFindsTheFirst()
    {
        MpiJobResult result = cluster.Script("up");

        Assert.True(result.ExitCode == 0, result.ToString());
        Assert.Contains("is up already, 2 nodes of 4 CPUs", result.Output, StringComparison.Ordinal);
        Assert.Contains($"export SLURM_CONF={cluster.Folder}/slurm.conf", result.Output, StringComparison.Ordinal);
    }

    [SlurmFact]
    public void AnotherSizeIsRefusedWhileItIsUp() => AssertFails(1, "is up with 2 nodes of 4 CPUs; end it first", "up", "--nodes", "3");

    [SlurmTheory]
    [InlineData("a command is missing or unknown")]
    [InlineData("--nodes takes a number from 1 to 999", "up", "--nodes", "0")]
    [InlineData("unknown option --node", "up", "--node", "2")]
    [InlineData("down takes no options", "down", "all")]
    public void WrongCommandLineIsOneLine(string line, params string[] arguments) => AssertFails(2, line, arguments);

    private void AssertFails(int exitCode, string line, params string[] arguments)
    {
        MpiJobResult result = cluster.Script(arguments);

        Assert.True(result.ExitCode == exitCode, result.ToString());
        Assert.StartsWith("slurm_cluster: ", result.Error, StringComparison.Ordinal);
        Assert.Contains(line, result.Error, StringComparison.Ordinal);
    }
}
