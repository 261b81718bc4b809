namespace OpenEmbedding.Launcher.Options;

/// <summary>The network between the ranks.</summary>
internal sealed record NetworkOptions
{
    /// <summary>The interfaces that may be used, by name, each on this host; empty for the libraries' own choice.</summary>
    public IReadOnlyList<string> Interfaces { get; init; } = [];

    /// <summary>Whether ranks talk over TCP only.</summary>
    public bool TcpOnly { get; init; }
}
