using System.Reflection;
using System.Text.Json;
using System.Text.Json.Nodes;
using OpenEmbedding.Collectives;

namespace OpenEmbedding.Trainer.Configuration;

/// <summary>An object with the keys of an option record, and no others.</summary>
internal sealed class RecordType(Type clrType) : ConfigurationType
{
    private readonly ShortFormAttribute? _shortForm = clrType.GetCustomAttribute<ShortFormAttribute>();

    private ConfigurationKey? ShortKey => _shortForm is null ? null : Keys.First(key => key.Name == _shortForm.Key);

    private bool TakesList => ShortKey?.Type is ListType;

    /// <summary>The keys in the order of the source.</summary>
    public IReadOnlyList<ConfigurationKey> Keys { get; } = ConfigurationKey.Of(clrType);

    /// <summary>Whether a value or a list may stand for the object, so that its key is a value and a section at once.</summary>
    public bool HasShortForm => _shortForm is not null;

    /// <summary>What the section is for, from the source.</summary>
    public string Description => Documentation.Of(clrType);

    public override string Expected =>
        (_shortForm is null ? "" : _shortForm.Description + " or ") + "an object with the keys " + string.Join(", ", Keys.Select(key => key.Name));

    /// <summary>Makes a record with all its defaults; required members are left null.</summary>
    public object Create() => Activator.CreateInstance(clrType)!;

    public override object Read(JsonNode? node, KeyPath path, object? current, bool complete)
    {
        if (node is not (null or JsonObject) && _shortForm is not null
            && (node.GetValueKind() == JsonValueKind.String || (TakesList && node.GetValueKind() == JsonValueKind.Array)))
        {
            node = Expand(node);
        }

        return node is JsonObject members ? Fill(current ?? Create(), members, path, complete) : throw Refuse(node, path);
    }

    /// <summary>Sets the keys that are given on a record and returns it.</summary>
    /// <param name="record">A record of this type with its defaults.</param>
    /// <param name="members">The keys given; the name of a variant and an editor's <c>$schema</c> are passed over.</param>
    /// <param name="path">The path of the record.</param>
    /// <param name="complete">Whether required keys must be there.</param>
    /// <param name="variant">The name of the variant, for messages.</param>
    public object Fill(object record, JsonObject members, KeyPath path, bool complete, string? variant = null)
    {
        foreach ((string name, _) in members)
        {
            if (Keys.All(key => key.Name != name) && !(variant is not null && name == "name") && !(path == KeyPath.Root && name == "$schema"))
            {
                throw Unknown(name, path, variant);
            }
        }

        foreach (ConfigurationKey key in Keys)
        {
            KeyPath child = path.Child(key.Name);
            if (members.TryGetPropertyValue(key.Name, out JsonNode? value))
            {
                key.Set(record, value is null && key.Optional ? null : key.Type.Read(value, child, key.Get(record), complete));
            }
            else if (key.Required && complete)
            {
                // A section that is left out is read as an empty one, so that the message names the key that is really wanted.
                key.Set(record, key.Type is RecordType { HasShortForm: false } section
                    ? section.Fill(section.Create(), [], child, complete)
                    : throw new ConfigurationFault(child, $"{child} is missing; it is {key.Type.Expected}"));
            }
        }

        return record;
    }

    public override JsonNode Write(object value)
    {
        if (ShortKey is { } shortKey && !TakesList && IsShort(value, shortKey))
        {
            return shortKey.Type.Write(shortKey.Get(value)!);
        }

        var members = new JsonObject();
        WriteTo(members, value);
        return members;
    }

    /// <summary>Adds the keys that have a value.</summary>
    public void WriteTo(JsonObject members, object record)
    {
        foreach (ConfigurationKey key in Keys)
        {
            if (key.Get(record) is { } value)
            {
                members.Add(key.Name, key.Type.Write(value));
            }
        }
    }

    public override JsonObject ToSchema()
    {
        var members = new JsonObject();
        var schema = new JsonObject { ["type"] = "object", ["additionalProperties"] = false, ["properties"] = members };
        AddSchemas(members, Create());
        if (_shortForm is null)
        {
            return schema;
        }

        var standing = (JsonObject)members[_shortForm.Key]!.DeepClone();
        standing.Remove("description");
        JsonNode[] items = TakesList ? [standing["items"]!.DeepClone()] : [];
        return new JsonObject { ["anyOf"] = new JsonArray([.. items, standing, schema]) };
    }

    /// <summary>Adds the schema of every key, with its description and the default that it has in the record.</summary>
    public void AddSchemas(JsonObject members, object defaults)
    {
        foreach (ConfigurationKey key in Keys)
        {
            JsonObject schema = key.Type.ToSchema();
            if (key.Optional)
            {
                schema = new JsonObject { ["anyOf"] = new JsonArray(schema, new JsonObject { ["type"] = "null" }) };
            }

            schema.Insert(0, "description", key.Description);
            if (key.Get(defaults) is { } value && key.Type is not RecordType)
            {
                schema["default"] = key.Type.Write(value);
            }

            members.Add(key.Name, schema);
        }
    }

    public override JsonNode? FromText(string text, KeyPath path)
    {
        if (text.StartsWith('{') || _shortForm is null)
        {
            return ParseText(text, path);
        }

        return ShortKey!.Type.FromText(text, path);
    }

    /// <summary>Writes the short form out as an object.</summary>
    public JsonObject Expand(JsonNode node)
    {
        JsonNode items = node.DeepClone();
        return new JsonObject { [_shortForm!.Key] = items is JsonArray || !TakesList ? items : new JsonArray(items) };
    }

    /// <summary>The error of a key that the record does not have.</summary>
    public ConfigurationFault Unknown(string name, KeyPath path, string? variant = null)
    {
        string[] allowed = [.. variant is null ? [] : new[] { "name" }, .. Keys.Select(key => key.Name)];
        string? nearest = NearestName.Find(name, allowed) ?? (variant is null ? ConfigurationKeys.PathOf(name) : null);
        string of = variant is null ? "" : $" of {variant}";
        string hint = nearest is null ? "" : $"; did you mean \"{nearest}\"?";
        KeyPath child = path.Child(name);
        return new ConfigurationFault(child, $"{child} is not a known key{of}{hint} (allowed: {string.Join(", ", allowed)})");
    }

    private bool IsShort(object value, ConfigurationKey shortKey)
    {
        object defaults = Create();
        return Keys.All(key => key == shortKey || Equals(key.Get(value), key.Get(defaults)));
    }
}
