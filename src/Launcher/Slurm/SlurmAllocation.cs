using System.Globalization;
using OpenEmbedding.Collectives;

namespace OpenEmbedding.Launcher.Slurm;

/// <summary>The Slurm allocation around this process.</summary>
/// <param name="JobId">Slurm's number of the job.</param>
/// <param name="Hosts">Its hosts, with as many slots as tasks were asked for.</param>
internal sealed record SlurmAllocation(string JobId, HostList Hosts)
{
    private const string JobIdVariable = "SLURM_JOB_ID";
    private const string NodesVariable = "SLURM_JOB_NODELIST";
    private const string TasksPerNodeVariable = "SLURM_TASKS_PER_NODE";
    private const string TasksVariable = "SLURM_NTASKS";

    /// <summary>Reads the allocation from Slurm's variables; null outside of one.</summary>
    /// <param name="environment">The environment of this process.</param>
    /// <exception cref="OpenEmbeddingException">A variable is not of Slurm's form, with <see cref="JobExitCode.Cluster"/>.</exception>
    public static SlurmAllocation? Find(Func<string, string?> environment)
    {
        if (environment(JobIdVariable) is not { Length: > 0 } jobId || environment(NodesVariable) is not { Length: > 0 } nodes)
        {
            return null;
        }

        IReadOnlyList<string> names = SlurmLists.ExpandNodes(nodes)
            ?? throw Wrong(NodesVariable, nodes, "a list of nodes, as n[01-03,7],m5");
        return new SlurmAllocation(jobId, HostList.Of(names.Zip(ReadSlots(environment, names.Count), (name, slots) => new Host(name, slots))));
    }

    private static IReadOnlyList<int> ReadSlots(Func<string, string?> environment, int nodes)
    {
        if (environment(TasksPerNodeVariable) is { Length: > 0 } perNode)
        {
            return SlurmLists.ExpandCounts(perNode) is { } slots && slots.Count == nodes
                ? slots
                : throw Wrong(TasksPerNodeVariable, perNode, $"the tasks of {nodes} nodes, as 4(x2),3");
        }

        if (environment(TasksVariable) is not { Length: > 0 } text)
        {
            return [.. Enumerable.Repeat(1, nodes)];
        }

        // Fewer tasks than nodes leave nodes without one, and Slurm gives these back.
        return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int tasks) && tasks >= nodes
            ? [.. Enumerable.Range(0, nodes).Select(node => tasks / nodes + (node < tasks % nodes ? 1 : 0))]
            : throw Wrong(TasksVariable, text, $"at least as many tasks as the {nodes} nodes");
    }

    private static OpenEmbeddingException Wrong(string variable, string value, string allowed) =>
        new($"Slurm's variable {variable} is '{value}'; expected is {allowed}; -H or --hostfile name hosts without it", JobExitCode.Cluster);
}
