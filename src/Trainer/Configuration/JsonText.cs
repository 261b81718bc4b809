using System.Text.Json;
using System.Text.Json.Nodes;

namespace OpenEmbedding.Trainer.Configuration;

/// <summary>JSON with comments and trailing commas, where no key comes twice.</summary>
internal static class JsonText
{
    private static readonly JsonDocumentOptions _options = new()
    {
        CommentHandling = JsonCommentHandling.Skip,
        AllowTrailingCommas = true,
    };

    /// <summary>Reads the text; null is the JSON null.</summary>
    /// <exception cref="JsonException">The text is not JSON.</exception>
    /// <exception cref="ConfigurationFault">A key comes twice, or a string is not Unicode.</exception>
    public static JsonNode? Parse(string text)
    {
        using var document = JsonDocument.Parse(text, _options);
        return Convert(document.RootElement, KeyPath.Root);
    }

    /// <summary>Says in one line where and why the text is not JSON.</summary>
    public static string Describe(JsonException failure)
    {
        int end = failure.Message.IndexOf(" LineNumber:", StringComparison.Ordinal);
        string reason = (end < 0 ? failure.Message : failure.Message[..end]).ReplaceLineEndings(" ");
        return $"line {failure.LineNumber + 1}, position {failure.BytePositionInLine + 1}: not valid JSON: {reason}";
    }

    private static JsonNode? Convert(JsonElement element, KeyPath path)
    {
        switch (element.ValueKind)
        {
            case JsonValueKind.Object:
                var members = new JsonObject();
                foreach (JsonProperty member in element.EnumerateObject())
                {
                    string key = Unicode(() => member.Name, path);
                    KeyPath child = path.Child(key);
                    if (members.ContainsKey(key))
                    {
                        throw new ConfigurationFault(child, $"{child} is given twice");
                    }

                    members.Add(key, Convert(member.Value, child));
                }

                return members;
            case JsonValueKind.Array:
                return new JsonArray([.. element.EnumerateArray().Select((item, i) => Convert(item, path.Item(i)))]);
            case JsonValueKind.String:
                return JsonValue.Create(Unicode(() => element.GetString()!, path));
            case JsonValueKind.Null:
                return null;
            default:
                return JsonValue.Create(element.Clone());
        }
    }

    /// <summary>Runs a read that fails on half of a surrogate pair.</summary>
    private static string Unicode(Func<string> read, KeyPath path)
    {
        try
        {
            return read();
        }
        catch (InvalidOperationException)
        {
            throw new ConfigurationFault(path, $"{path} holds a string that is not valid Unicode");
        }
    }
}
