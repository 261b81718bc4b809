using OpenEmbedding.Launcher.Options;

namespace OpenEmbedding.Launcher;

/// <summary>A job to start, as the command line of <c>oe-run</c>, its configuration file and Slurm's allocation say.</summary>
internal sealed record LaunchOptions : LaunchArguments
{
    /// <summary>The number of ranks, at least 1.</summary>
    public required int Ranks { get; init; }

    /// <summary>The hosts; null for this machine alone.</summary>
    public HostList? Hosts { get; init; }

    /// <summary>Whether the hosts are those of the Slurm allocation around this process, which hydra finds by itself.</summary>
    public bool HostsAreAllocated { get; init; }

    /// <summary>The environment variables that every rank gets besides those of this process, each name once.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Environment { get; init; } = [];

    /// <summary>The program of the ranks and its arguments.</summary>
    public required IReadOnlyList<string> Command { get; init; }

    /// <summary>How ranks on other hosts are started.</summary>
    public RemoteStartOptions RemoteStart { get; init; } = new();

    /// <summary>The network between the ranks.</summary>
    public NetworkOptions Network { get; init; } = new();

    /// <summary>What else hydra is told.</summary>
    public HydraOptions Hydra { get; init; } = new();

    /// <summary>What becomes of the ranks' output.</summary>
    public OutputOptions Output { get; init; } = new();

    /// <summary>How long a host may take to answer before the job starts.</summary>
    public TimeSpan StartTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How the job is started again when it loses ranks; null if it is not.</summary>
    public SupervisionOptions? Supervision { get; init; }

    /// <summary>Whether the command line is only printed.</summary>
    public bool DryRun { get; init; }

    /// <summary>Whether what is done is told on standard error.</summary>
    public bool Verbose { get; init; }
}
