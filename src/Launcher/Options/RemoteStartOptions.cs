namespace OpenEmbedding.Launcher.Options;

/// <summary>How ranks on other hosts are started.</summary>
internal sealed record RemoteStartOptions
{
    /// <summary>The port of ssh on all hosts; null for ssh's own choice.</summary>
    public int? SshPort { get; init; }

    /// <summary>The file with the private key for ssh, an absolute path without spaces; null for ssh's own choice.</summary>
    public string? SshIdentityFile { get; init; }

    /// <summary>The program that is called in place of ssh, with the same arguments; null for ssh.</summary>
    public string? LauncherProgram { get; init; }
}
