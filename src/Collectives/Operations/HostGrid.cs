namespace OpenEmbedding.Collectives;

/// <summary>
/// The groups in which a reduction goes easy on the network: first the ranks of a host, then of every host the rank in the same place.
/// </summary>
/// <remarks>
/// <code>
/// host a: 0 1 2      first [0 1 2] and [3 4 5]: each rank has the sum of its host for a third of the elements,
/// host b: 3 4 5      then [0 3], [1 4] and [2 5]: the sum of all
/// </code>
/// </remarks>
internal static class HostGrid
{
    /// <summary>The groups of a rank; one group of all unless every one of several hosts has equally many ranks, more than one.</summary>
    /// <param name="hostOfRank">The host of each rank.</param>
    /// <param name="rank">The rank.</param>
    internal static int[][] Groups(IReadOnlyList<string> hostOfRank, int rank)
    {
        int[] all = [.. Enumerable.Range(0, hostOfRank.Count)];
        int[][] hosts = [.. all.GroupBy(other => hostOfRank[other]).Select(host => host.ToArray())];
        int size = hosts[0].Length;
        if (hosts.Length == 1 || size == 1 || hosts.Any(host => host.Length != size))
        {
            return [all];
        }

        int[] own = hosts.First(host => host.Contains(rank));
        int place = Array.IndexOf(own, rank);
        return [own, [.. hosts.Select(host => host[place])]];
    }
}
