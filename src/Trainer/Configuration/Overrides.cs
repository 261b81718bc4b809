using System.Text.Json.Nodes;

namespace OpenEmbedding.Trainer.Configuration;

/// <summary>Puts the keys of the command line into the JSON of a file.</summary>
internal static class Overrides
{
    /// <summary>
    /// Sections go before their keys and names before the keys of what they name, else the order is that of the command line: of one key given
    /// twice the last holds.
    /// </summary>
    public static void Apply(JsonObject root, IReadOnlyList<ConfigurationOverride> overrides)
    {
        foreach (ConfigurationOverride given in overrides
            .OrderBy(given => given.Key.Count(c => c == '.'))
            .ThenBy(given => !given.Key.EndsWith(".name", StringComparison.Ordinal)))
        {
            Apply(root, ConfigurationKeys.Root, KeyPath.Root, given.Key.Split('.'), given.Value);
        }
    }

    private static void Apply(JsonObject members, RecordType record, KeyPath path, ReadOnlySpan<string> keys, string text)
    {
        string name = keys[0];
        ConfigurationKey key = record.Keys.FirstOrDefault(key => key.Name == name) ?? throw record.Unknown(name, path);
        KeyPath child = path.Child(name);
        if (keys.Length > 1)
        {
            Descend(members, record, key, child, keys[1..], text);
        }
        else if (key.Optional && text == "null")
        {
            members[name] = null;
        }
        else if (key.Type is VariantType && !text.StartsWith('{'))
        {
            Descend(members, record, key, child, ["name"], text);
        }
        else
        {
            members[name] = key.Type.FromText(text, child);
        }
    }

    private static void Descend(JsonObject members, RecordType parent, ConfigurationKey key, KeyPath path, ReadOnlySpan<string> keys, string text)
    {
        JsonObject section = members[key.Name] switch
        {
            JsonObject given => given,
            null => [],
            JsonNode shortForm => key.Type switch
            {
                RecordType files => files.Expand(shortForm),
                VariantType => VariantType.Expand(shortForm),
                _ => [],
            },
        };
        members[key.Name] = section;
        switch (key.Type)
        {
            case RecordType record:
                Apply(section, record, path, keys, text);
                break;
            case VariantType variants when keys.Length == 1 && keys[0] == "name":
                string? before = section["name"]?.ToString() ?? (key.Get(parent.Create()) is { } standing ? variants.VariantOf(standing).Name : null);
                Rename(section, before, text);
                break;
            case VariantType variants when keys.Length == 1:
                ConfigurationKey below = variants.Find(keys[0]) ?? throw variants.Unknown(keys[0], path);
                section[keys[0]] = below.Type.FromText(text, path.Child(keys[0]));
                break;
            default:
                KeyPath child = path.Child(keys[^1]);
                throw new ConfigurationFault(child, $"{child} is not a known key ({path} is {key.Type.Expected})");
        }
    }

    /// <summary>Chooses another variant; the keys of the one before have no meaning for it and go.</summary>
    private static void Rename(JsonObject section, string? before, string name)
    {
        if (!name.Equals(before, StringComparison.OrdinalIgnoreCase))
        {
            section.Clear();
        }

        section["name"] = name;
    }
}
