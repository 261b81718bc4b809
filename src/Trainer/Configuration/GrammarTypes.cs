using System.Text.Json;
using System.Text.Json.Nodes;
using OpenEmbedding.EmbeddingPs.Server;

namespace OpenEmbedding.Trainer.Configuration;

/// <summary>A range of rows, as in "0-7999" or "8000-".</summary>
internal sealed class RowRangeType : ConfigurationType
{
    public override string Expected => "\"first-last\" or \"first-\", rows counted from 0";

    public override object Read(JsonNode? node, KeyPath path, object? current, bool complete) =>
        node?.GetValueKind() == JsonValueKind.String && RowRange.TryParse(node.GetValue<string>(), out RowRange? rows)
            ? rows
            : throw Refuse(node, path);

    public override JsonNode Write(object value) => JsonValue.Create(value.ToString()!);

    public override JsonObject ToSchema() => new() { ["type"] = "string", ["pattern"] = "^[0-9]+-[0-9]*$" };
}

/// <summary>A number of servers, or a word for it.</summary>
internal sealed class ServerCountType : ConfigurationType
{
    public override string Expected => "a number of ranks from 1, \"auto\", \"colocated\" or \"colocated:N\"";

    public override object Read(JsonNode? node, KeyPath path, object? current, bool complete)
    {
        bool number = node?.GetValueKind() == JsonValueKind.Number;
        if ((number || node?.GetValueKind() == JsonValueKind.String)
            && ServerCount.TryParse(number ? node!.ToJsonString() : node!.GetValue<string>(), out ServerCount? servers)
            && number == IsNumber(servers))
        {
            return servers;
        }

        throw Refuse(node, path);
    }

    public override JsonNode Write(object value)
    {
        var servers = (ServerCount)value;
        return IsNumber(servers) ? JsonValue.Create(servers.Ranks) : JsonValue.Create(servers.ToString());
    }

    public override JsonObject ToSchema() => new()
    {
        ["oneOf"] = new JsonArray(
            new JsonObject { ["type"] = "integer", ["minimum"] = 1, ["maximum"] = int.MaxValue },
            new JsonObject { ["enum"] = new JsonArray("auto", "colocated") },
            new JsonObject { ["type"] = "string", ["pattern"] = "^colocated:[1-9][0-9]*$" }),
    };

    public override JsonNode? FromText(string text, KeyPath path) =>
        ServerCount.TryParse(text, out ServerCount? servers) ? Write(servers) : base.FromText(text, path);

    private static bool IsNumber(ServerCount servers) => servers.Ranks > 0 && !servers.IsColocated;
}

/// <summary>A number of keys for all columns, or a list with one for each.</summary>
internal sealed class VocabularyType : ConfigurationType
{
    private readonly IntegerType _size = new(typeof(long), 1, Vocabulary.Largest);
    private readonly ListType _sizes;

    public VocabularyType()
    {
        _sizes = new ListType(typeof(long), _size, 1);
    }

    public override string Expected => $"{_size.Expected}, or a list with one for each column";

    public override object Read(JsonNode? node, KeyPath path, object? current, bool complete) => node?.GetValueKind() switch
    {
        JsonValueKind.Array => new Vocabulary((long[])_sizes.Read(node, path, current, complete)),
        JsonValueKind.Number => new Vocabulary((long)_size.Read(node, path, current, complete)),
        _ => throw Refuse(node, path),
    };

    public override JsonNode Write(object value)
    {
        var vocabulary = (Vocabulary)value;
        return vocabulary.IsPerColumn ? _sizes.Write(vocabulary.Sizes) : _size.Write(vocabulary.Sizes[0]);
    }

    public override JsonObject ToSchema() => new() { ["anyOf"] = new JsonArray(_size.ToSchema(), _sizes.ToSchema()) };

    public override JsonNode? FromText(string text, KeyPath path) =>
        text.StartsWith('[') || text.Contains(',') ? _sizes.FromText(text, path) : _size.FromText(text, path);
}
