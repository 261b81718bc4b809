using OpenEmbedding.Launcher.Preflight;

namespace OpenEmbedding.Launcher.Supervision;

/// <summary>What a supervisor needs of the world.</summary>
internal interface ISupervised
{
    /// <summary>The hosts that there are now; null where that does not change.</summary>
    /// <exception cref="Collectives.OpenEmbeddingException">They cannot be found out.</exception>
    HostList? Discover();

    /// <summary>Checks whether ranks can start on hosts.</summary>
    IReadOnlyList<CheckedHost> Check(HostList hosts);

    /// <summary>Runs the job to its end.</summary>
    /// <param name="hosts">Where.</param>
    /// <param name="ranks">On how many ranks.</param>
    /// <param name="restarts">How often it was started before.</param>
    /// <param name="stop">Asks it to save and end.</param>
    JobOutcome Run(HostList hosts, int ranks, int restarts, CancellationToken stop);
}
