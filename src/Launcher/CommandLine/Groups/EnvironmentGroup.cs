namespace OpenEmbedding.Launcher.CommandLine.Groups;

/// <summary>The environment of the ranks.</summary>
internal sealed class EnvironmentGroup : OptionGroup
{
    private readonly LaunchOption _variable;

    public EnvironmentGroup()
        : base("Environment")
    {
        _variable = Value(["--env", "-x"], "NAME[=VALUE]", "variable for every rank; NAME alone must be set here; repeatable", "environment");
    }

    /// <summary>The variables, each once with the value given last.</summary>
    /// <param name="values">The options.</param>
    /// <param name="environment">The environment of this process.</param>
    public IReadOnlyList<KeyValuePair<string, string>> Read(LaunchValues values, Func<string, string?> environment)
    {
        var variables = new OrderedDictionary<string, string>();
        foreach (OptionValue value in values.Everywhere(_variable))
        {
            (string name, string? text) = value.Text.IndexOf('=') is >= 0 and int equals
                ? (value.Text[..equals], value.Text[(equals + 1)..])
                : (value.Text, environment(value.Text));
            if (name.Length == 0)
            {
                throw value.Wrong($"takes NAME=VALUE, or NAME of a variable that is set here; this is '{value.Text}'");
            }

            variables[name] = text ?? throw value.Wrong($"{name} passes the variable {name} on, which is not set here; {name}=VALUE sets it");
        }

        return [.. variables];
    }
}
