using System.Diagnostics;
using System.Globalization;

namespace OpenEmbedding.Collectives;

/// <summary>A wait that lasts long.</summary>
/// <param name="id">The number of the process set, or a negative one for messages.</param>
/// <param name="sequence">Which of the waits under this number it is.</param>
/// <param name="since">When it began, of <see cref="Stopwatch.GetTimestamp"/>.</param>
/// <param name="ranks">The other ranks that take part.</param>
internal abstract class Stall(int id, long sequence, long since, IReadOnlyList<int> ranks)
{
    internal int Id { get; } = id;

    internal long Sequence { get; } = sequence;

    internal IReadOnlyList<int> Ranks { get; } = ranks;

    internal TimeSpan Waited => Stopwatch.GetElapsedTime(since);

    /// <summary>Whether a rank with this answer, the next operation that it will ask for, is one that is waited for.</summary>
    internal abstract bool IsMissing(long answer);

    /// <summary>What is said of a rank that is missing although its process answers.</summary>
    internal virtual string Remark => "";

    /// <summary>The line about it.</summary>
    /// <param name="missing">The ranks that are missing, each with what is known of it.</param>
    /// <param name="others">The ranks that wait as well, or do what they should.</param>
    /// <returns>Null if nothing is wrong, or another rank tells.</returns>
    internal abstract string? Describe(IReadOnlyList<string> missing, IReadOnlyList<int> others);

    /// <param name="what">Rank and operation.</param>
    /// <param name="missing">The ranks that are missing.</param>
    private protected string Line(string what, IReadOnlyList<string> missing)
    {
        var why = missing.Count == 0 ? "no rank is missing, the transfer is slow" : $"missing: rank {string.Join(", ", missing)}";
        return string.Create(CultureInfo.InvariantCulture, $"{what} has waited {Waited.TotalSeconds:f1} s; {why}");
    }
}

/// <summary>A collective operation that waits.</summary>
internal sealed class OperationStall(Lane lane, CollectiveOperation operation, int self)
    : Stall(lane.Id, operation.Sequence, operation.SubmittedAt, [.. lane.Ranks.Where(rank => rank != self)])
{
    internal override bool IsMissing(long answer) => answer <= Sequence;

    internal override string? Describe(IReadOnlyList<string> missing, IReadOnlyList<int> others)
    {
        // Of the ranks that wait, the lowest tells.
        if (others.Any(rank => rank < self))
        {
            return null;
        }

        var set = lane.Id == 0 ? $"all {lane.Ranks.Count} ranks" : $"ranks {string.Join(", ", lane.Ranks)}";
        return Line($"rank {self}: {operation.Kind} \"{operation.Name}\" ({operation.Extent}) of {set}", missing);
    }
}

/// <summary>Messages that do not come.</summary>
internal sealed class MessageStall(int id, MessageWait wait, int self) : Stall(id, wait.Since, wait.Since, wait.Ranks)
{
    internal override string Remark => " (is there: busy, or waiting itself)";

    internal override bool IsMissing(long answer) => !wait.IsFine;

    internal override string? Describe(IReadOnlyList<string> missing, IReadOnlyList<int> others) =>
        missing.Count == 0 ? null : Line($"rank {self}: {wait.What}", missing);
}
