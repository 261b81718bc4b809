using System.Collections;
using System.Text.Json.Nodes;

namespace OpenEmbedding.Trainer.Configuration;

/// <summary>A list whose items are all of one type.</summary>
internal sealed class ListType(Type itemClrType, ConfigurationType item, int minimumCount) : ConfigurationType
{
    /// <summary>What each item may be.</summary>
    public ConfigurationType Item => item;

    public override string Expected => $"a{(minimumCount > 0 ? " non-empty" : "")} list, each item {item.Expected}";

    public override object Read(JsonNode? node, KeyPath path, object? current, bool complete)
    {
        if (node is not JsonArray array || array.Count < minimumCount)
        {
            throw Refuse(node, path);
        }

        var items = Array.CreateInstance(itemClrType, array.Count);
        for (int i = 0; i < array.Count; i++)
        {
            items.SetValue(item.Read(array[i], path.Item(i), null, complete), i);
        }

        return items;
    }

    public override JsonNode Write(object value) => new JsonArray([.. ((IEnumerable)value).Cast<object>().Select(item.Write)]);

    public override JsonObject ToSchema()
    {
        var schema = new JsonObject { ["type"] = "array", ["items"] = item.ToSchema() };
        if (minimumCount > 0)
        {
            schema["minItems"] = minimumCount;
        }

        return schema;
    }

    /// <summary>Takes a JSON array, or items with commas between them.</summary>
    public override JsonNode? FromText(string text, KeyPath path)
    {
        if (text.StartsWith('['))
        {
            return ParseText(text, path);
        }

        return new JsonArray([.. text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
            .Select(part => item.FromText(part, path))]);
    }
}
