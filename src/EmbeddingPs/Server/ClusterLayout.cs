using OpenEmbedding.Collectives;

namespace OpenEmbedding.EmbeddingPs.Server;

/// <summary>Which ranks of the job train and which hold embeddings; a rank may do both.</summary>
/// <param name="Trainers">Ranks of the job, by trainer.</param>
/// <param name="Servers">Ranks of the job, by shard.</param>
public sealed record ClusterLayout(IReadOnlyList<int> Trainers, IReadOnlyList<int> Servers)
{
    /// <summary>Deals the roles: servers that are not on every rank are spread over the hosts and take the last ranks of each; rank 0 always trains.</summary>
    /// <param name="servers">How many ranks hold embeddings.</param>
    /// <param name="hostOfRank">The host of each rank.</param>
    /// <exception cref="OpenEmbeddingException">Fewer ranks than servers, or than dedicated servers and one trainer.</exception>
    public static ClusterLayout Create(ServerCount servers, IReadOnlyList<string> hostOfRank)
    {
        int ranks = hostOfRank.Count;
        int[] all = [.. Enumerable.Range(0, ranks)];
        bool areTrainers = servers.IsColocated || (servers == ServerCount.Auto && ranks == 1);
        int count = servers switch
        {
            _ when servers == ServerCount.Auto => Math.Max(1, ranks / 4),
            _ when servers == ServerCount.Colocated => ranks,
            _ => servers.Ranks,
        };
        int room = areTrainers ? ranks : ranks - 1;
        if (count > room)
        {
            string job = $"a job of {ranks} {(ranks == 1 ? "rank" : "ranks")}";
            string advice = areTrainers
                ? $"{job} has no more than {room}; start more ranks, or use \"{ServerCount.Colocated}\"."
                : $"{job} has room for at most {room}, because one rank must train; start more ranks, or use \"auto\" or \"colocated\".";
            throw new OpenEmbeddingException($"cluster.servers is {servers}, but {advice}", JobExitCode.Cluster);
        }

        int[] chosen = count == ranks ? all : Spread(count, hostOfRank);
        return new ClusterLayout(areTrainers ? all : [.. all.Except(chosen)], chosen);
    }

    /// <summary>The trainer that a rank is, −1 if it does not train.</summary>
    public int TrainerOf(int rank) => IndexOf(Trainers, rank);

    /// <summary>The shard that a rank holds, −1 if it holds none.</summary>
    public int ShardOf(int rank) => IndexOf(Servers, rank);

    private static int[] Spread(int count, IReadOnlyList<string> hostOfRank)
    {
        // Of each host the ranks that may serve, the last one on top; hosts in the order of their first rank.
        var hosts = hostOfRank.Index()
            .GroupBy(rank => rank.Item, rank => rank.Index)
            .Select(host => new Stack<int>(host.Where(rank => rank > 0)))
            .ToArray();
        var chosen = new List<int>(count);
        while (chosen.Count < count)
        {
            foreach (var host in hosts)
            {
                if (chosen.Count < count && host.TryPop(out int rank))
                {
                    chosen.Add(rank);
                }
            }
        }

        return [.. chosen.Order()];
    }

    private static int IndexOf(IReadOnlyList<int> ranks, int rank)
    {
        for (int i = 0; i < ranks.Count; i++)
        {
            if (ranks[i] == rank)
            {
                return i;
            }
        }

        return -1;
    }
}
