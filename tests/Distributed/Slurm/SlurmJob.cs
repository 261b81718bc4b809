using System.Diagnostics;
using System.Globalization;

namespace OpenEmbedding.Distributed.Tests.Slurm;

/// <summary>A batch job of a cluster.</summary>
/// <param name="cluster">The cluster.</param>
/// <param name="id">The job's number.</param>
/// <param name="output">The file of what it prints.</param>
public sealed class SlurmJob(SlurmCluster cluster, string id, string output)
{
    private readonly Stopwatch _clock = Stopwatch.StartNew();

    /// <summary>The job's number.</summary>
    public string Id { get; } = id;

    /// <summary>What the job has printed so far, on both streams.</summary>
    public string Output => File.Exists(output) ? File.ReadAllText(output) : "";

    /// <summary>How often the job has been put back into the queue.</summary>
    public int Restarts => int.Parse(Field("Restarts"), CultureInfo.InvariantCulture);

    /// <summary>The job's state, as Slurm names it.</summary>
    public string State => Field("JobState");

    /// <summary>Exit code and signal of the job script, as <c>2:0</c>.</summary>
    public string ExitCode => Field("ExitCode");

    /// <summary>Waits until the job has printed a text.</summary>
    public void WaitForText(string text)
    {
        bool ended = false;
        WaitFor($"\"{text}\" in its output", () =>
        {
            ended = HasEnded();
            return ended || Output.Contains(text, StringComparison.Ordinal);
        });
        Assert.True(!ended || Output.Contains(text, StringComparison.Ordinal), $"\"{text}\" is not in the output of {this}");
    }

    /// <summary>Waits until the job is in the queue again.</summary>
    public void WaitForRequeue() => WaitFor("the queue", () => State == "PENDING" && Restarts > 0);

    /// <summary>Waits until the job and all its processes have ended.</summary>
    public void WaitForEnd() => WaitFor("its end", () => HasEnded() && !Processes().Any());

    /// <summary>The job's processes that have a rank, by rank.</summary>
    public IReadOnlyDictionary<int, int> RankProcesses()
    {
        var ranks = new Dictionary<int, int>();
        foreach ((int process, string[] environment) in Processes())
        {
            if (environment.FirstOrDefault(variable => variable.StartsWith("PMI_RANK=", StringComparison.Ordinal)) is { } rank)
            {
                ranks[int.Parse(rank.Split('=')[1], CultureInfo.InvariantCulture)] = process;
            }
        }

        return ranks;
    }

    /// <inheritdoc/>
    public override string ToString() => $"job {Id}: {State}, exit code {ExitCode}, {Restarts} restarts\n--- output\n{Output}";

    private bool HasEnded() => State is not ("PENDING" or "RUNNING" or "COMPLETING" or "SUSPENDED");

    // Processes of a step are no children of whoever started it: they are known by their environment.
    private IEnumerable<(int Process, string[] Environment)> Processes()
    {
        foreach (Process process in System.Diagnostics.Process.GetProcesses())
        {
            string[] environment;
            try
            {
                environment = File.ReadAllText($"/proc/{process.Id}/environ").Split('\0');
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                continue; // ended meanwhile, or another user's
            }

            if (environment.Contains($"SLURM_JOB_ID={Id}") && environment.Contains($"OE_SLURM_FOLDER={cluster.Folder}"))
            {
                yield return (process.Id, environment);
            }
        }
    }

    private string Field(string name)
    {
        string prefix = $"{name}=";
        return cluster.Command("scontrol", "show", "job", Id, "--oneliner").Split(' ').First(field => field.StartsWith(prefix, StringComparison.Ordinal))[prefix.Length..];
    }

    private void WaitFor(string what, Func<bool> isThere)
    {
        while (!isThere())
        {
            if (_clock.Elapsed > SlurmCluster.JobLimit)
            {
                throw new TimeoutException($"{SlurmCluster.JobLimit.TotalSeconds} s were too short to wait for {what}; {this}");
            }

            cluster.WaitForNews();
        }
    }
}
