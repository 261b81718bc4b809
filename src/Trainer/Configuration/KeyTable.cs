using System.Text;

namespace OpenEmbedding.Trainer.Configuration;

/// <summary>The keys of a job for people: as Markdown tables and as the lines of the help.</summary>
internal static class KeyTable
{
    /// <summary>All keys, a Markdown table for each section, with the last line end.</summary>
    public static string WriteMarkdown()
    {
        var text = new StringBuilder();
        foreach (ConfigurationKey section in ConfigurationKeys.Root.Keys)
        {
            text.Append($"### `{section.Name}`\n\n{section.Description}\n\n");
            AppendTable(text, ConfigurationKeys.All.Where(entry => IsIn(entry, section.Name) && entry.Variants.Count == 0 && entry.Path != section.Name));
            if (section.Type is RecordType record)
            {
                AppendChoices(text, record, section.Name);
            }
        }

        AppendVariants(text, "Optimizers", "Of `optimizer` and `embedding.optimizer`.", VariantType.Optimizers);
        AppendVariants(text, "Initializers", "Of `embedding.initializer`.", VariantType.Initializers);
        return text.ToString().TrimEnd('\n') + "\n";
    }

    /// <summary>Each section with its keys as options.</summary>
    /// <param name="aliases">The other names of a key.</param>
    public static string WriteHelp(Func<string, IEnumerable<string>> aliases)
    {
        var text = new StringBuilder();
        foreach (ConfigurationKey section in ConfigurationKeys.Root.Keys)
        {
            text.Append($"\n{section.Name}: {section.Description.Replace("`", "", StringComparison.Ordinal)}\n");
            foreach (ConfigurationEntry entry in ConfigurationKeys.All.Where(entry => IsIn(entry, section.Name)))
            {
                if (entry.Path.StartsWith("embedding.optimizer.", StringComparison.Ordinal))
                {
                    continue;
                }

                string names = string.Join(", ", new[] { "--" + entry.Path }.Concat(aliases(entry.Path)));
                string of = entry.Variants.Count == 0 ? "" : $" Of {string.Join(", ", entry.Variants.Select(variant => variant.Name))}.";
                text.Append($"  {names}\n");
                text.Append($"      {entry.Description.Replace("`", "", StringComparison.Ordinal)}{of}\n");
                text.Append($"      {entry.Type.Expected}; {DefaultOf(entry)}\n");
            }
        }

        text.Append("\nThe keys of --optimizer may be given for --embedding.optimizer too, as in --embedding.optimizer.learning_rate.\n");
        return text.ToString();
    }

    private static bool IsIn(ConfigurationEntry entry, string section) =>
        entry.Path == section || entry.Path.StartsWith(section + ".", StringComparison.Ordinal);

    private static string DefaultOf(ConfigurationEntry entry)
    {
        if (entry.Default is null)
        {
            return entry.Required ? "required" : "no default";
        }

        string name = entry.Path[(entry.Path.LastIndexOf('.') + 1)..];
        string[] defaults = [.. entry.Variants
            .GroupBy(variant => variant.DefaultOf(name))
            .OrderByDescending(group => group.Count())
            .Select((group, i) => i == 0 ? group.Key : $"{string.Join(", ", group.Select(variant => variant.Name))} {group.Key}")];
        return "default " + (defaults.Length == 0 ? ConfigurationType.Show(entry.Default) : string.Join("; ", defaults));
    }

    private static void AppendTable(StringBuilder text, IEnumerable<ConfigurationEntry> entries)
    {
        text.Append("| key | allowed | default | meaning |\n| --- | --- | --- | --- |\n");
        foreach (ConfigurationEntry entry in entries)
        {
            string standard = entry.Required ? "required" : entry.Default is null ? "" : $"`{ConfigurationType.Show(entry.Default).Replace("|", "\\|", StringComparison.Ordinal)}`";
            text.Append($"| `{entry.Path}` | {entry.Type.Expected} | {standard} | {entry.Description} |\n");
        }

        text.Append('\n');
    }

    private static void AppendChoices(StringBuilder text, RecordType record, string path)
    {
        foreach (ConfigurationKey key in record.Keys)
        {
            string child = $"{path}.{key.Name}";
            if (key.Type is ListType { Item: RecordType item })
            {
                text.Append($"Items of `{child}`. {item.Description}\n\n");
                object defaults = item.Create();
                AppendTable(text, item.Keys.Select(of =>
                    new ConfigurationEntry(of.Name, of.Type, of.Get(defaults) is { } value ? of.Type.Write(value) : null, of.Required, []) { Key = of }));
                AppendChoices(text, item, child);
            }
            else if (key.Type is ChoiceType choices)
            {
                text.Append($"`{child}`:\n\n");
                foreach ((string name, string description) in choices.Choices)
                {
                    text.Append(description.Length == 0 ? $"* `{name}`\n" : $"* `{name}`: {description}\n");
                }

                text.Append('\n');
            }
        }
    }

    private static void AppendVariants(StringBuilder text, string title, string where, VariantType type)
    {
        text.Append($"### {title}\n\n{where}\n\n");
        foreach (Variant variant in type.Variants)
        {
            text.Append($"#### `{variant.Name}`\n\n{variant.Describe()}\n\n");
            if (variant.Record.Keys.Count > 0)
            {
                object defaults = variant.Create();
                AppendTable(text, variant.Record.Keys.Select(key =>
                    new ConfigurationEntry(key.Name, key.Type, key.Type.Write(key.Get(defaults)!), false, []) { Key = key }));
            }
        }
    }
}
