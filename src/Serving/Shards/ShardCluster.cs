using System.Collections.Concurrent;
using OpenEmbedding.Collectives;

namespace OpenEmbedding.Serving.Shards;

/// <summary>The shard processes, of which each shard has as many as there are replicas, and the models whose tables they hold.</summary>
/// <remarks>Process i of n holds shard i mod (n / replicas). Any thread may call it.</remarks>
internal sealed class ShardCluster : IDisposable
{
    private static readonly TimeSpan _lookupLimit = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan _stateLimit = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan _loadLimit = TimeSpan.FromHours(1);
    private readonly ConcurrentDictionary<string, ShardedVersion> _versions = [];
    private readonly Action<string> _say;
    private int _turn;

    /// <param name="nodes">The processes, as many for each shard as there are replicas.</param>
    /// <param name="replicas">How many processes hold each shard.</param>
    /// <param name="say">Takes lines for the operator.</param>
    public ShardCluster(IReadOnlyList<ShardNode> nodes, int replicas, Action<string> say)
    {
        Nodes = nodes;
        Shards = nodes.Count / replicas;
        _say = say;
    }

    public IReadOnlyList<ShardNode> Nodes { get; }

    /// <summary>Into how many shards tables are dealt.</summary>
    public int Shards { get; }

    /// <summary>The shard that a process holds.</summary>
    public int ShardOf(int node) => node % Shards;

    /// <summary>Loads a version's tables.</summary>
    /// <exception cref="OpenEmbeddingException">A shard has no process that could load it.</exception>
    public async Task Load(ShardedVersion version)
    {
        // Before any process has it, since what no version wants is let go.
        _versions[version.Identity] = version;
        ShardException?[] failures = await Task.WhenAll(Nodes.Select((node, place) => TryLoad(node, version, ShardOf(place))));
        for (int shard = 0; shard < Shards; shard++)
        {
            ShardException?[] mine = [.. failures.Where((_, place) => ShardOf(place) == shard)];
            if (mine.All(failure => failure is not null))
            {
                await Unload(version);
                throw new OpenEmbeddingException($"no process has loaded {version.Assign(shard, Shards).Name}: {string.Join("; ", mine.Select(failure => failure!.Message))}");
            }
        }
    }

    /// <summary>Lets a version's tables go.</summary>
    public Task Unload(ShardedVersion version)
    {
        _versions.TryRemove(version.Identity, out _);
        return Task.WhenAll(Nodes.Select((node, place) => TryUnload(node, version.Assign(ShardOf(place), Shards))));
    }

    /// <summary>Asks for rows of a shard, of one process after the other until one answers.</summary>
    /// <exception cref="ShardException">None does; the message names the shard and what each said.</exception>
    public async Task<byte[]> Look(ShardedVersion version, int shard, ReadOnlyMemory<byte> lookup, CancellationToken stop)
    {
        int replicas = Nodes.Count / Shards;
        int first = Interlocked.Increment(ref _turn) & int.MaxValue;

        // Those known to hold the shard first, in turn.
        IEnumerable<ShardNode> order = Enumerable.Range(0, replicas)
            .Select(i => Nodes[(((first + i) % replicas) * Shards) + shard])
            .OrderBy(node => node.Problem is not null ? 2 : node.Holds.Any(held => held.Identity == version.Identity) ? 0 : 1);
        var problems = new List<string>();
        foreach (ShardNode node in order)
        {
            try
            {
                return await node.Ask(ShardRequest.Lookup, lookup, _lookupLimit, stop);
            }
            catch (ShardException e)
            {
                problems.Add(e.Message);
            }
        }

        throw new ShardException($"{version.Assign(shard, Shards).Name} does not answer: {string.Join("; ", problems)}");
    }

    /// <summary>
    /// Asks every process what it holds, and has it load what it lacks, as one that has come back does, and let go what no version wants, as those of an
    /// <c>oe-serve</c> that ended.
    /// </summary>
    public Task Tend(CancellationToken stop) => Task.WhenAll(Nodes.Select((node, place) => Tend(node, ShardOf(place), stop)));

    public void Dispose()
    {
        foreach (ShardNode node in Nodes)
        {
            node.Dispose();
        }
    }

    private async Task Tend(ShardNode node, int shard, CancellationToken stop)
    {
        string? before = node.Problem;
        if (!await node.Refresh(_stateLimit, stop))
        {
            if (before is null)
            {
                _say($"shard process {node.Name} is gone: {node.Problem}");
            }

            return;
        }

        IReadOnlyList<ShardAssignment> held = node.Holds;
        ShardAssignment[] wanted = [.. _versions.Values.Select(version => version.Assign(shard, Shards))];
        foreach (ShardAssignment unwanted in held.Where(assignment => !wanted.Any(assignment.IsSameShard)))
        {
            await TryUnload(node, unwanted);
        }

        foreach (ShardAssignment missing in wanted.Where(assignment => !held.Any(assignment.IsSameShard)))
        {
            _say($"{node.Name} loads {missing.Name}");
            await TryAsk(node, ShardRequest.Load, missing, _loadLimit, stop);
            await node.Refresh(_stateLimit, stop);
        }
    }

    private async Task<ShardException?> TryLoad(ShardNode node, ShardedVersion version, int shard)
    {
        try
        {
            await node.Ask(ShardRequest.Load, version.Assign(shard, Shards).ToBytes(), _loadLimit, CancellationToken.None);
            await node.Refresh(_stateLimit, CancellationToken.None);
            return null;
        }
        catch (ShardException e)
        {
            return e;
        }
    }

    private async Task TryUnload(ShardNode node, ShardAssignment unwanted)
    {
        await TryAsk(node, ShardRequest.Unload, unwanted, _stateLimit, CancellationToken.None);
        await node.Refresh(_stateLimit, CancellationToken.None);
    }

    private async Task TryAsk(ShardNode node, ShardRequest request, ShardAssignment assignment, TimeSpan limit, CancellationToken stop)
    {
        try
        {
            await node.Ask(request, assignment.ToBytes(), limit, stop);
        }
        catch (ShardException e)
        {
            _say($"{assignment.Name}: {e.Message}");
        }
    }
}

/// <summary>A version of a model whose tables are on shards.</summary>
/// <param name="Model">The model's name.</param>
/// <param name="Number">The version's number.</param>
/// <param name="Identity">See <see cref="ShardAssignment.Identity"/>.</param>
/// <param name="Folder">The version's full path.</param>
internal sealed record ShardedVersion(string Model, long Number, string Identity, string Folder)
{
    public ShardAssignment Assign(int shard, int shards) => new(Model, Number, Identity, Folder, shard, shards);
}
