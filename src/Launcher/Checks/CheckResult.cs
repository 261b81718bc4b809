namespace OpenEmbedding.Launcher.Checks;

/// <summary>What one check found.</summary>
/// <param name="Name">What was looked for.</param>
/// <param name="Found">Whether it is there and good for jobs.</param>
/// <param name="Detail">Version and path, or what is missing and what to do.</param>
/// <param name="Required">Whether no job can run on this machine without it.</param>
internal sealed record CheckResult(string Name, bool Found, string Detail, bool Required = false);
