namespace OpenEmbedding.Collectives;

/// <summary>When a long wait is told of, and when it ends the job.</summary>
/// <param name="options">The settings in force.</param>
/// <param name="placeOf">Where a rank is, to be put behind its number.</param>
/// <param name="warn">Takes the line of a warning.</param>
/// <param name="giveUp">Takes the line for which the job ends; does not return but in tests.</param>
internal sealed class StallRules(Func<CommunicationOptions> options, Func<int, string> placeOf, Action<string> warn, Action<string> giveUp)
{
    /// <summary>How long a wait may be until it is told of.</summary>
    internal TimeSpan Warning => OrForever(options().StallWarning);

    /// <summary>How long a wait may be until the job ends.</summary>
    internal TimeSpan Shutdown => OrForever(options().StallShutdown);

    /// <summary>The shorter of both; null if there is none.</summary>
    internal TimeSpan? FirstLook => (Warning < Shutdown ? Warning : Shutdown) is var first && first < TimeSpan.MaxValue ? first : null;

    internal string PlaceOf(int rank) => placeOf(rank);

    internal void Warn(string line) => warn(line);

    internal void GiveUp(string line) => giveUp(line);

    private static TimeSpan OrForever(TimeSpan limit) => limit > TimeSpan.Zero ? limit : TimeSpan.MaxValue;
}
