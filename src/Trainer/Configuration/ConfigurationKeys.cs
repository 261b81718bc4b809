using System.Text.Json.Nodes;
using OpenEmbedding.Collectives;

namespace OpenEmbedding.Trainer.Configuration;

/// <summary>A key that the command line may set.</summary>
/// <param name="Path">The key with its sections, as in <c>optimizer.learning_rate</c>.</param>
/// <param name="Type">What its value may be.</param>
/// <param name="Default">Its default; null where there is none.</param>
/// <param name="Required">Whether a job without it is refused.</param>
/// <param name="Variants">The variants that have it; empty for a key that is always there.</param>
internal sealed record ConfigurationEntry(
    string Path, ConfigurationType Type, JsonNode? Default, bool Required, IReadOnlyList<Variant> Variants)
{
    /// <summary>The key of the option record; null for the name of a variant.</summary>
    public ConfigurationKey? Key { get; init; }

    /// <summary>What it means.</summary>
    public string Description => Key?.Description ?? "The name that chooses it.";
}

/// <summary>All keys of a job, flat.</summary>
internal static class ConfigurationKeys
{
    /// <summary>The whole job.</summary>
    public static RecordType Root { get; } = new(typeof(JobOptions));

    /// <summary>All keys with their sections in the order of the source.</summary>
    public static IReadOnlyList<ConfigurationEntry> All { get; } = [.. Walk(Root, Root.Create(), KeyPath.Root, required: true)];

    /// <summary>The path of the key whose last part is nearest to the name, in whatever section; null where none is near.</summary>
    public static string? PathOf(string name)
    {
        string? nearest = NearestName.Find(name, All.Select(entry => LastPart(entry.Path)));
        return All.Where(entry => LastPart(entry.Path) == nearest).MinBy(entry => entry.Path.Count(c => c == '.'))?.Path;
    }

    private static string LastPart(string path) => path[(path.LastIndexOf('.') + 1)..];

    private static IEnumerable<ConfigurationEntry> Walk(RecordType record, object defaults, KeyPath path, bool required)
    {
        foreach (ConfigurationKey key in record.Keys)
        {
            KeyPath child = path.Child(key.Name);
            object? value = key.Get(defaults);
            if (key.Type is not RecordType { HasShortForm: false })
            {
                JsonNode? standing = value is null ? null : key.Type.Write(value);
                yield return new ConfigurationEntry(child.Text, key.Type, standing, required && key.Required, []) { Key = key };
            }

            IEnumerable<ConfigurationEntry> below = key.Type switch
            {
                RecordType section => Walk(section, value ?? section.Create(), child, required && key.Required),
                VariantType variants => Walk(variants, child),
                _ => [],
            };
            foreach (ConfigurationEntry entry in below)
            {
                yield return entry;
            }
        }
    }

    private static IEnumerable<ConfigurationEntry> Walk(VariantType type, KeyPath path)
    {
        yield return new ConfigurationEntry(path.Child("name").Text, type.Name, null, false, []);
        foreach (IGrouping<string, (Variant Variant, ConfigurationKey Key)> group in type.Variants
            .SelectMany(variant => variant.Record.Keys.Select(key => (Variant: variant, Key: key)))
            .GroupBy(pair => pair.Key.Name))
        {
            (Variant variant, ConfigurationKey key) = group.First();
            yield return new ConfigurationEntry(
                path.Child(key.Name).Text,
                key.Type,
                key.Type.Write(key.Get(variant.Create())!),
                false,
                [.. group.Select(pair => pair.Variant)])
            {
                Key = key,
            };
        }
    }
}
