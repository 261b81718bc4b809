namespace OpenEmbedding.Launcher.Options;

/// <summary>Arguments of hydra that <c>oe-run</c> hands on as they are.</summary>
internal sealed record HydraOptions
{
    /// <summary>Those that bind ranks to cores; empty for no binding.</summary>
    public IReadOnlyList<string> Binding { get; init; } = [];

    /// <summary>Others.</summary>
    public IReadOnlyList<string> Arguments { get; init; } = [];
}
