namespace OpenEmbedding.Launcher.CommandLine;

/// <summary>What the command line and the configuration file say, by option. What the command line gives replaces what the file has.</summary>
internal sealed class LaunchValues
{
    private readonly Dictionary<LaunchOption, List<OptionValue>> _fromFile = [];
    private readonly Dictionary<LaunchOption, List<OptionValue>> _fromCommandLine = [];

    public void AddFromCommandLine(LaunchOption option, OptionValue value) => Add(_fromCommandLine, option, value);

    public void AddFromFile(LaunchOption option, OptionValue value) => Add(_fromFile, option, value);

    /// <summary>The values of an option, in the order in which they were given.</summary>
    public IReadOnlyList<OptionValue> All(LaunchOption option) =>
        (_fromCommandLine.GetValueOrDefault(option) ?? _fromFile.GetValueOrDefault(option)) ?? [];

    /// <summary>The values that the file has, then those of the command line.</summary>
    public IReadOnlyList<OptionValue> Everywhere(LaunchOption option) =>
        [.. _fromFile.GetValueOrDefault(option) ?? [], .. _fromCommandLine.GetValueOrDefault(option) ?? []];

    /// <summary>The value of an option, the last one where there are several; null when it was not given.</summary>
    public OptionValue? Last(LaunchOption option) => All(option).LastOrDefault();

    /// <summary>The value of a switch that was turned on; null when it is off.</summary>
    public OptionValue? On(LaunchOption option) => Last(option) is { IsOn: true } value ? value : null;

    private static void Add(Dictionary<LaunchOption, List<OptionValue>> values, LaunchOption option, OptionValue value)
    {
        if (!values.TryGetValue(option, out List<OptionValue>? list))
        {
            values[option] = list = [];
        }

        list.Add(value);
    }
}
