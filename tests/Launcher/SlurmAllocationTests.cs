using OpenEmbedding.Collectives;
using OpenEmbedding.Launcher.CommandLine;
using OpenEmbedding.Launcher.Slurm;

namespace OpenEmbedding.Launcher.Tests;

public sealed class SlurmAllocationTests
{
    [Theory]
    [InlineData("n1", "n1")]
    [InlineData("n[01-03,7],m5", "n01,n02,n03,n7,m5")]
    [InlineData("n[8-11]", "n8,n9,n10,n11")]
    [InlineData("n[098-101]x", "n098x,n099x,n100x,n101x")]
    [InlineData("rack[1-2]-n[1,3],login.example.org", "rack1-n1,rack1-n3,rack2-n1,rack2-n3,login.example.org")]
    public void ExpandsNodes(string text, string expected)
    {
        Assert.Equal(expected.Split(','), SlurmLists.ExpandNodes(text));
    }

    [Theory]
    [InlineData("")]
    [InlineData("n[1-2")]
    [InlineData("n1,,n2")]
    [InlineData("n[2-1]")]
    [InlineData("n[1-2-3]")]
    [InlineData("n[a-b]")]
    [InlineData("n[]")]
    [InlineData("n:4")]
    [InlineData("n]1")]
    [InlineData("n[1-2000000000]")]
    public void RefusesWhatIsNoListOfNodes(string text)
    {
        Assert.Null(SlurmLists.ExpandNodes(text));
    }

    [Theory]
    [InlineData("4", new[] { 4 })]
    [InlineData("4(x2),3", new[] { 4, 4, 3 })]
    [InlineData("1,2(x1),3(x2)", new[] { 1, 2, 3, 3 })]
    public void ExpandsCounts(string text, int[] expected)
    {
        Assert.Equal(expected, SlurmLists.ExpandCounts(text));
    }

    [Theory]
    [InlineData("")]
    [InlineData("4(x2")]
    [InlineData("4(2)")]
    [InlineData("0")]
    [InlineData("4(x0)")]
    [InlineData("4(x2000000000)")]
    public void RefusesWhatAreNoCounts(string text)
    {
        Assert.Null(SlurmLists.ExpandCounts(text));
    }

    [Theory]
    [InlineData("n1:4,n2:4,m:3", "n[1-2],m", "4(x2),3", "11")]
    [InlineData("n1:4,n2:3", "n[1-2]", null, "7")]
    [InlineData("n1:1,n2:1", "n[1-2]", null, null)]
    public void TakesTheTasksOfEachNode(string expected, string nodes, string? perNode, string? tasks)
    {
        Assert.Equal(expected, SlurmAllocation.Find(Environment("71", nodes, perNode, tasks))!.Hosts.ToString());
    }

    [Theory]
    [InlineData(null, "n1")]
    [InlineData("71", null)]
    public void ThereIsNoneOutsideOfSlurm(string? jobId, string? nodes)
    {
        Assert.Null(SlurmAllocation.Find(Environment(jobId, nodes, "1", "1")));
    }

    [Theory]
    [InlineData("SLURM_JOB_NODELIST is 'n[1'; expected is a list of nodes, as n[01-03,7],m5", "n[1", "1", "1")]
    [InlineData("SLURM_TASKS_PER_NODE is '4'; expected is the tasks of 2 nodes, as 4(x2),3", "n[1-2]", "4", "8")]
    [InlineData("SLURM_NTASKS is '1'; expected is at least as many tasks as the 2 nodes", "n[1-2]", null, "1")]
    public void NamesTheVariableThatIsWrong(string message, string nodes, string? perNode, string? tasks)
    {
        var error = Assert.Throws<OpenEmbeddingException>(() => SlurmAllocation.Find(Environment("71", nodes, perNode, tasks)));

        Assert.Equal($"Slurm's variable {message}; -H or --hostfile name hosts without it", error.Message);
        Assert.Equal(JobExitCode.Cluster, error.ExitCode);
    }

    [Theory]
    [InlineData(7, true, "prog")]
    [InlineData(3, true, "-np", "3", "prog")]
    [InlineData(2, false, "-H", "other:2", "prog")]
    public void GivesTheNumberOfRanksUnlessHostsAreNamed(int ranks, bool allocated, params string[] arguments)
    {
        LaunchOptions options = Parse(arguments);

        Assert.Equal(ranks, options.Ranks);
        Assert.Equal(allocated, options.HostsAreAllocated);
    }

    [Fact]
    public void RefusesMoreRanksThanTasks()
    {
        var error = Assert.Throws<OpenEmbeddingException>(() => Parse("-np", "8", "prog"));

        Assert.Equal("-np 8 is more than the 7 slots of the Slurm allocation 71 (n1:4,n2:3)", error.Message);
    }

    private static LaunchOptions Parse(params string[] arguments) =>
        Assert.IsType<LaunchOptions>(new LaunchCommandLine(Environment("71", "n[1-2]", "4,3", "7")).Parse(arguments, "oe-train"));

    private static Func<string, string?> Environment(string? jobId, string? nodes, string? perNode, string? tasks) => name => name switch
    {
        "SLURM_JOB_ID" => jobId,
        "SLURM_JOB_NODELIST" => nodes,
        "SLURM_TASKS_PER_NODE" => perNode,
        "SLURM_NTASKS" => tasks,
        _ => null,
    };
}
