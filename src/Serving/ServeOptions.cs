using System.Net;

namespace OpenEmbedding.Serving;

/// <summary>What <c>oe-serve</c> is told on its command line.</summary>
/// <param name="Models">Name and folder of each model; the folder has a folder for each version, named by its number.</param>
/// <param name="Address">The address to listen on.</param>
/// <param name="RestPort">The port of the REST API; 0 takes a free one.</param>
/// <param name="LargestBatch">The most rows of one request, and of requests that are computed together.</param>
/// <param name="LargestBodyBytes">The most bytes of one request's body.</param>
/// <param name="Concurrency">Requests for predictions computed at the same time; others wait.</param>
/// <param name="Waiting">Requests for predictions that may wait; further ones are refused.</param>
/// <param name="Poll">How often the folders are looked at for new versions.</param>
internal sealed record ServeOptions(
    IReadOnlyList<ModelFolder> Models,
    IPAddress Address,
    int RestPort,
    int LargestBatch,
    long LargestBodyBytes,
    int Concurrency,
    int Waiting,
    TimeSpan Poll)
{
    /// <summary>The port of gRPC; 0 takes a free one, <c>null</c> answers no gRPC.</summary>
    public int? GrpcPort { get; init; }

    /// <summary>How long a request waits for others to be computed with; 0 puts only those together that wait anyway.</summary>
    public TimeSpan Company { get; init; }

    /// <summary>The longest time that a request waits for its turn.</summary>
    public TimeSpan Timeout { get; init; }

    /// <summary>What clients have to know; <c>null</c> for none.</summary>
    public string? ApiKey { get; init; }

    /// <summary>For a process that holds shards of tables, its port; 0 takes a free one, <c>null</c> serves models.</summary>
    public int? ShardPort { get; init; }

    /// <summary>The processes that hold the tables of models without.</summary>
    public IReadOnlyList<DnsEndPoint> Shards { get; init; } = [];

    /// <summary>How many of <see cref="Shards"/> hold the same shard.</summary>
    public int Replicas { get; init; } = 1;
}

/// <summary>A model's name and the folder of its versions.</summary>
internal sealed record ModelFolder(string Name, string Path)
{
    /// <summary>Why no model can be served from it, one line; <c>null</c> if one can.</summary>
    internal string? Problem =>
        Name.Length == 0 || Name.AsSpan().IndexOfAny("/: ") >= 0 ? $"\"{Name}\" is no name of a model: one without slash, colon and space"
        : Directory.Exists(Path) ? null
        : $"model {Name}: there is no folder {Path}; it has a folder for each version, such as {System.IO.Path.Combine(Path, "1")}";
}
