using System.CommandLine;

namespace OpenEmbedding.Launcher.CommandLine;

/// <summary>An option of <c>oe-run</c>: names on the command line, a line of <c>--help</c> and, for most, a key of configuration files.</summary>
internal sealed class LaunchOption
{
    /// <param name="names">The names; messages use the first.</param>
    /// <param name="value">What the help calls the value; null for a switch.</param>
    /// <param name="description">The line of the help.</param>
    /// <param name="key">The key in a configuration file with its section, as in <c>ssh.port</c>; null where it has none.</param>
    /// <param name="isNegation">Whether a switch is on where the key is false.</param>
    public LaunchOption(string[] names, string? value, string description, string? key, bool isNegation)
    {
        Names = names;
        ValueName = value;
        Description = description;
        Key = key;
        IsNegation = isNegation;
        Parser = value is null
            ? new Option<bool>(names[0], names[1..])
            : new Option<string[]>(names[0], names[1..]) { Arity = ArgumentArity.OneOrMore };
    }

    public IReadOnlyList<string> Names { get; }

    public string Name => Names[0];

    public string? ValueName { get; }

    public string Description { get; }

    public string? Key { get; }

    public bool IsNegation { get; }

    public bool IsSwitch => ValueName is null;

    /// <summary>What reads it from the command line.</summary>
    public Option Parser { get; }
}
