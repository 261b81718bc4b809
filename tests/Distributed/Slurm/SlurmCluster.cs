using OpenEmbedding.Distributed.Tests.Training;

namespace OpenEmbedding.Distributed.Tests.Slurm;

/// <summary>Two nodes of four CPUs on this machine, by <c>scripts/slurm_cluster.sh</c>, for all tests of the collection.</summary>
public sealed class SlurmCluster : IDisposable
{
    // The first start on a machine installs Slurm.
    private static readonly TimeSpan _startLimit = TimeSpan.FromMinutes(4);
    private static readonly TimeSpan _commandLimit = TimeSpan.FromSeconds(30);
    private static readonly string[] _programs = ["munged", "slurmctld", "slurmd", "srun"];

    // Processes that end after their job has are in no file.
    private static readonly TimeSpan _newsLimit = TimeSpan.FromSeconds(1);

    private readonly Dictionary<string, string?> _environment;
    private readonly AutoResetEvent _news = new(false);
    private readonly FileSystemWatcher? _watcher;

    public SlurmCluster()
    {
        // Short, because munge's socket lies there.
        Folder = $"/tmp/oe-slurm-tests-{Environment.ProcessId}";
        _environment = new Dictionary<string, string?> { ["OE_SLURM_FOLDER"] = Folder, ["SLURM_CONF"] = Path.Combine(Folder, "slurm.conf") };
        if (WhyNot is null)
        {
            Succeed(Script("up", "--nodes", "2", "--cpus", "4"));
            _watcher = new FileSystemWatcher(Folder);
            _watcher.Created += (_, _) => _news.Set();
            _watcher.Changed += (_, _) => _news.Set();
            _watcher.EnableRaisingEvents = true;
        }
    }

    /// <summary>Why there can be no cluster on this machine, null if there can.</summary>
    public static string? WhyNot { get; } = Array.TrueForAll(_programs, IsThere) || (IsThere("apt-get") && Environment.IsPrivilegedProcess)
        ? null
        : "Slurm (munged, slurmctld, slurmd, srun) is not installed here, and installing it takes root and apt-get";

    /// <summary>When a job is given up and its test fails.</summary>
    public static TimeSpan JobLimit { get; } = TimeSpan.FromSeconds(90);

    /// <summary>Where the cluster keeps its files.</summary>
    public string Folder { get; }

    /// <summary>Returns when a daemon of the cluster has written to its log or a job to its output since the last call, at the latest after a second.</summary>
    public void WaitForNews() => _news.WaitOne(_newsLimit);

    /// <summary>Runs the script for this cluster.</summary>
    public MpiJobResult Script(params string[] arguments)
    {
        using MpiJob script = MpiJob.Start([Path.Combine(OeTrain.Root, "scripts/slurm_cluster.sh"), .. arguments], _environment, _startLimit);
        return script.WaitForExit();
    }

    /// <summary>Starts a command that finds this cluster, as srun.</summary>
    public MpiJob Start(params string[] words) => MpiJob.Start(words, _environment, JobLimit);

    /// <summary>Runs a command that finds this cluster to its end.</summary>
    public MpiJobResult Run(params string[] words)
    {
        using MpiJob job = Start(words);
        return job.WaitForExit();
    }

    /// <summary>Submits a batch job.</summary>
    /// <param name="variables">Environment variables of the job beside those of this process.</param>
    /// <param name="words">Options of sbatch, the job script and its arguments.</param>
    public SlurmJob Submit(IReadOnlyDictionary<string, string?> variables, params string[] words)
    {
        // As people do: from the checkout.
        string output = Path.Combine(Folder, $"output-{Guid.NewGuid():N}.txt");
        var environment = new Dictionary<string, string?>(_environment);
        foreach ((string name, string? value) in variables)
        {
            environment[name] = value;
        }

        using MpiJob sbatch = MpiJob.Start(["sbatch", "--parsable", $"--chdir={OeTrain.Root}", $"--output={output}", .. words], environment, _commandLimit);
        return new SlurmJob(this, Succeed(sbatch.WaitForExit()).Trim(), output);
    }

    /// <summary>Runs one of Slurm's commands, which must succeed, and returns what it printed.</summary>
    public string Command(params string[] words)
    {
        using MpiJob command = MpiJob.Start(words, _environment, _commandLimit);
        return Succeed(command.WaitForExit());
    }

    public void Dispose()
    {
        _watcher?.Dispose();
        _news.Dispose();
        if (WhyNot is null)
        {
            Succeed(Script("down"));
        }
    }

    private static string Succeed(MpiJobResult result)
    {
        Assert.True(result.ExitCode == 0, result.ToString());
        return result.Output;
    }

    private static bool IsThere(string program) =>
        $"{Environment.GetEnvironmentVariable("PATH")}:/usr/sbin:/sbin".Split(':').Any(folder => File.Exists(Path.Combine(folder, program)));
}

/// <summary>The tests that share the cluster.</summary>
[CollectionDefinition(Name)]
public sealed class SlurmTests : ICollectionFixture<SlurmCluster>
{
    public const string Name = "Slurm";
}
