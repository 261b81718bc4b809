namespace OpenEmbedding.Launcher;

/// <summary>What the command line of <c>oe-run</c> asks for.</summary>
internal sealed record LaunchOptions
{
    /// <summary>The number of ranks, at least 1.</summary>
    public required int Ranks { get; init; }

    /// <summary>The hosts; null for this machine alone, or, inside a Slurm allocation, for the allocation's hosts.</summary>
    public HostList? Hosts { get; init; }

    /// <summary>The environment variables that every rank gets besides those of this process.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Environment { get; init; } = [];

    /// <summary>The program of the ranks and its arguments.</summary>
    public required IReadOnlyList<string> Command { get; init; }

    /// <summary>Whether the command line is only printed.</summary>
    public bool DryRun { get; init; }

    /// <summary>Whether the command line is printed before it is started.</summary>
    public bool Verbose { get; init; }
}
