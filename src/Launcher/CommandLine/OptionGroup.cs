namespace OpenEmbedding.Launcher.CommandLine;

/// <summary>Options that belong together: they share a heading of <c>--help</c> and the code that reads them.</summary>
internal abstract class OptionGroup(string title)
{
    private readonly List<LaunchOption> _options = [];

    /// <summary>The heading.</summary>
    public string Title { get; } = title;

    /// <summary>The options in the order of the help.</summary>
    public IReadOnlyList<LaunchOption> Options => _options;

    protected LaunchOption Value(string[] names, string value, string description, string? key = null) =>
        Add(new LaunchOption(names, value, description, key, isNegation: false));

    protected LaunchOption Switch(string[] names, string description, string? key = null, bool isNegation = false) =>
        Add(new LaunchOption(names, null, description, key, isNegation));

    private LaunchOption Add(LaunchOption option)
    {
        _options.Add(option);
        return option;
    }
}
