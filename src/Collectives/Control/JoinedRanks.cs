namespace OpenEmbedding.Collectives;

/// <summary>The members of a process set that have joined, and how far each came.</summary>
internal sealed class JoinedRanks(int members)
{
    private readonly Dictionary<int, long> _joinedAt = [];

    internal bool IsEmpty => _joinedAt.Count == 0;

    internal IEnumerable<int> Ranks => _joinedAt.Keys;

    /// <summary>The rank that came farthest, of several the highest.</summary>
    internal int Last => _joinedAt.OrderBy(pair => pair.Value).ThenBy(pair => pair.Key).Last().Key;

    internal void Add(int rank, long sequence) => _joinedAt.Add(rank, sequence);

    /// <summary>Whether all have joined and a rank that asked for so many operations has done them all.</summary>
    internal bool IsComplete(long sequence) => _joinedAt.Count == members && sequence >= _joinedAt.Values.Max();

    internal void Clear() => _joinedAt.Clear();
}
