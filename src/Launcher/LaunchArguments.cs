namespace OpenEmbedding.Launcher;

/// <summary>What the command line of <c>oe-run</c> asks for: a job, <see cref="LaunchOptions"/>, or one of the others.</summary>
internal abstract record LaunchArguments;

/// <summary>Print a text and stop: help or the version.</summary>
/// <param name="Text">The text, with its last line end.</param>
internal sealed record PrintArguments(string Text) : LaunchArguments;

/// <summary>Print what this machine has for jobs, and stop.</summary>
internal sealed record CheckBuildArguments : LaunchArguments;
