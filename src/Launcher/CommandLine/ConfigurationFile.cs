using OpenEmbedding.Collectives;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace OpenEmbedding.Launcher.CommandLine;

/// <summary>Options in a YAML file, by sections as in horovodrun's: <c>stall_check: { warning_time_seconds: 120 }</c>.</summary>
internal sealed class ConfigurationFile
{
    private readonly string _path;
    private readonly IReadOnlyList<LaunchOption> _options;
    private readonly LaunchValues _values;

    private ConfigurationFile(string path, IReadOnlyList<LaunchOption> options, LaunchValues values)
    {
        _path = path;
        _options = options;
        _values = values;
    }

    /// <summary>Reads the file.</summary>
    /// <param name="path">The file; a key without a value is as if it were not there.</param>
    /// <param name="options">The options that have keys.</param>
    /// <param name="values">Takes what the file says.</param>
    /// <exception cref="OpenEmbeddingException">It cannot be read, is no YAML or has an unknown key; the message starts with file and line.</exception>
    public static void Read(string path, IReadOnlyList<LaunchOption> options, LaunchValues values)
    {
        string text;
        try
        {
            text = File.ReadAllText(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new OpenEmbeddingException($"the configuration file {path} cannot be read: {e.Message}", JobExitCode.Configuration, e);
        }

        Parse(path, text, options, values);
    }

    /// <summary>Reads the text of a file.</summary>
    public static void Parse(string path, string text, IReadOnlyList<LaunchOption> options, LaunchValues values)
    {
        var yaml = new YamlStream();
        try
        {
            yaml.Load(new StringReader(text));
        }
        catch (YamlException e)
        {
            throw new OpenEmbeddingException($"{path}:{e.Start.Line}: {e.Message.ReplaceLineEndings(" ")}", JobExitCode.Configuration, e);
        }

        var file = new ConfigurationFile(path, options, values);
        foreach (YamlDocument document in yaml.Documents)
        {
            file.ReadRoot(document.RootNode);
        }
    }

    private void ReadRoot(YamlNode root)
    {
        if (IsEmpty(root))
        {
            return;
        }

        foreach ((YamlNode name, YamlNode content) in Entries(root, "the file"))
        {
            string section = Scalar(name, "a section");
            LaunchOption? named = Find(section);
            if (named is null && !IsSection(section))
            {
                throw Unknown(section, name);
            }

            if (IsEmpty(content))
            {
                continue;
            }

            if (named is not null)
            {
                ReadNamed(named, content);
            }
            else
            {
                ReadSection(section, content);
            }
        }
    }

    private void ReadSection(string section, YamlNode content)
    {
        foreach ((YamlNode name, YamlNode value) in Entries(content, section))
        {
            string key = $"{section}.{Scalar(name, "a key")}";
            if (IsEmpty(value))
            {
                continue;
            }

            LaunchOption option = Find(key) ?? throw Unknown(key, name);
            string origin = $"{Place(name)}: {key}";
            if (option.IsSwitch)
            {
                _values.AddFromFile(option, ReadSwitch(option, origin, value));
                continue;
            }

            foreach (YamlNode item in value is YamlSequenceNode list ? list.Children : [value])
            {
                _values.AddFromFile(option, new OptionValue(origin, Scalar(item, key)));
            }
        }
    }

    // A section of names that the user chooses: each becomes NAME=VALUE, or NAME where it has no value.
    private void ReadNamed(LaunchOption option, YamlNode content)
    {
        foreach ((YamlNode name, YamlNode value) in Entries(content, option.Key!))
        {
            string text = IsEmpty(value) ? Scalar(name, "a name") : $"{Scalar(name, "a name")}={Scalar(value, option.Key!)}";
            _values.AddFromFile(option, new OptionValue($"{Place(name)}: {option.Key}", text));
        }
    }

    private OptionValue ReadSwitch(LaunchOption option, string origin, YamlNode value)
    {
        bool on = Scalar(value, option.Key!) switch
        {
            "true" => true,
            "false" => false,
            var other => throw Wrong(value, $"{option.Key} is true or false; this is '{other}'"),
        };
        return OptionValue.OfSwitch(origin, on != option.IsNegation);
    }

    private IEnumerable<KeyValuePair<YamlNode, YamlNode>> Entries(YamlNode node, string what) =>
        node is YamlMappingNode mapping ? mapping.Children : throw Wrong(node, $"{what} holds names with values, as 'name: value'");

    private string Scalar(YamlNode node, string what) =>
        node is YamlScalarNode { Value: { } text } ? text : throw Wrong(node, $"{what} is one value, neither a list nor a section");

    private static bool IsEmpty(YamlNode node) =>
        node is YamlScalarNode { Style: ScalarStyle.Plain, Value: null or "" or "~" or "null" };

    private LaunchOption? Find(string key) => _options.FirstOrDefault(option => option.Key == key);

    private static UnneededOption? FindUnneeded(string key) => UnneededOption.All.FirstOrDefault(option => option.Key == key);

    private bool IsSection(string name)
    {
        IEnumerable<string?> keys = _options.Select(option => option.Key).Concat(UnneededOption.All.Select(option => option.Key));
        return keys.Any(key => key is not null && key.StartsWith(name + ".", StringComparison.Ordinal));
    }

    private OpenEmbeddingException Unknown(string key, YamlNode at)
    {
        if (FindUnneeded(key) is UnneededOption unneeded)
        {
            return Wrong(at, $"{key} is not needed: {unneeded.Reason}");
        }

        string[] known = [.. _options.Select(option => option.Key).OfType<string>()];
        string? nearest = NearestName.Find(key, key.Contains('.') ? known : known.Select(name => name.Split('.')[0]).Distinct());
        return Wrong(at, $"{key} is not a known key{(nearest is null ? "" : $"; did you mean \"{nearest}\"?")}");
    }

    private OpenEmbeddingException Wrong(YamlNode at, string message) => new($"{Place(at)}: {message}", JobExitCode.Configuration);

    private string Place(YamlNode at) => $"{_path}:{at.Start.Line}";
}
