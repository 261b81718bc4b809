namespace OpenEmbedding.Launcher.Options;

/// <summary>How a job is started again when it loses ranks.</summary>
internal sealed record SupervisionOptions
{
    /// <summary>The fewest ranks to go on with, at least 1.</summary>
    public required int MinimumRanks { get; init; }

    /// <summary>The most ranks, at least <see cref="MinimumRanks"/>: hosts that come while the job runs are used up to this.</summary>
    public required int MaximumRanks { get; init; }

    /// <summary>How often the job is started again, 0 or more.</summary>
    public int ResetLimit { get; init; } = 10;

    /// <summary>How long a host that failed is set aside the first time; each time after it twice as long.</summary>
    public TimeSpan ShortestCooldown { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long a host that failed is set aside at most.</summary>
    public TimeSpan LongestCooldown { get; init; } = TimeSpan.FromSeconds(300);

    /// <summary>How long to wait for enough hosts before giving up.</summary>
    public TimeSpan ElasticTimeout { get; init; } = TimeSpan.FromSeconds(600);

    /// <summary>A program that prints the hosts there are, a line each; null for none.</summary>
    public string? DiscoveryScript { get; init; }

    /// <summary>The slots of a host for which the discovery script prints none.</summary>
    public int SlotsPerHost { get; init; } = 1;
}
