using System.Diagnostics;

namespace OpenEmbedding.Collectives;

/// <summary>A wait of the program for messages, which the stall warning tells of when it lasts long.</summary>
/// <param name="What">What waits, as "the pull of step 12".</param>
/// <param name="Since">When the wait began, of <see cref="Stopwatch.GetTimestamp"/>.</param>
/// <param name="Ranks">The other ranks from which a message must come.</param>
/// <param name="IsFine">Whether a rank that lives may let wait as long as it likes, so that only those are missing whose process does not answer.</param>
public readonly record struct MessageWait(string What, long Since, IReadOnlyList<int> Ranks, bool IsFine = false);
