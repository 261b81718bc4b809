using System.Text;
using System.Text.Json.Nodes;

namespace OpenEmbedding.Serving.Tests.Malformed;

/// <summary>Bodies of REST that are valid but for random mistakes.</summary>
internal static class SpoiledJson
{
    private const int LargestBatch = 200;

    private static readonly byte[][] _strange =
    [
        .. new[] { "NaN", "-Infinity", "1e999", "null", "{", "}", "[", "]", ",", ":", "\"", "\\", "\\ud800", "\\u0000", "-", "//", "true", "[[[[[[[[[[[[[[[[[[" }.Select(Encoding.UTF8.GetBytes),
        [0xff], [0xc3, 0x28], [0xed, 0xa0, 0x80], [0],
    ];

    // Names that are no text, which a JSON reader may take and fail on when it is asked for them.
    private static readonly string[] _strangeNames = ["\"\"", "\"X\"", "\"\\ud800\"", "\"\\udc00I1\"", "\"I1\\u0000\"", "\"i1\"", "\"C27\"", "\"" + new string('I', 5000) + "\""];

    private static readonly string[] _notFloats = ["null", "true", "\"1\"", "{}", "[]", "[1,2]", "[[1]]", "[null]", "1e39", "-1e400", "\"NaN\"", "\"\\ud800\"", "[\"\\ud800\"]"];
    private static readonly string[] _notIntegers = [.. _notFloats, "0.5", "9223372036854775808", "-9223372036854775809", "1e30", "[1.5]"];

    /// <summary>A body with a mistake, and the feature that the answer has to name, if it is about one that is known.</summary>
    public static (byte[] Body, string? Feature) Of(string valid, Random random)
    {
        if (random.Next(3) == 0)
        {
            return (SpoiledBytes.Of(Encoding.UTF8.GetBytes(valid), random, _strange), null);
        }

        JsonObject root = JsonNode.Parse(valid)!.AsObject();
        string? feature = root.ContainsKey("instances") ? SpoilRows(root["instances"]!.AsArray(), random) : SpoilColumns(root["inputs"]!.AsObject(), random);
        if (feature is null)
        {
            SpoilRoot(root, random);
        }

        return (Encoding.UTF8.GetBytes(WithRawTexts(root.ToJsonString())), feature);
    }

    // Each row names all features; one of them is spoiled in one row.
    private static string? SpoilRows(JsonArray rows, Random random)
    {
        int place = random.Next(rows.Count);
        JsonObject row = rows[place]!.AsObject();
        (string name, _) = Pick(row, random);
        switch (random.Next(6))
        {
            case 0:
                row.Remove(name);
                return name;
            case 1:
                row.Add(Raw(_strangeNames[random.Next(_strangeNames.Length)]), 1);
                return null;
            case 2:
                rows[place] = random.Next(2) == 0 ? null : new JsonArray(1, 2);
                return null;
            case 3:
                rows.Clear();
                return null;
            default:
                row[name] = WrongNumber(name, random);
                return name;
        }
    }

    private static string? SpoilColumns(JsonObject columns, Random random)
    {
        (string name, JsonNode? value) = Pick(columns, random);
        JsonArray column = value!.AsArray();
        switch (random.Next(8))
        {
            case 0:
                columns.Remove(name);
                return name;
            case 1:
                columns.Add(Raw(_strangeNames[random.Next(_strangeNames.Length)]), new JsonArray(1, 2));
                return null;
            case 2:
                column.Clear();
                return name;
            case 3:
                columns[name] = new JsonArray([.. Enumerable.Repeat(1, LargestBatch + 1)]);
                return name;
            case 4:
                columns[name] = random.Next(2) == 0 ? 7 : new JsonObject { ["value"] = 7 };
                return name;
            case 5:
                // A column with a row more or less is told of the second of those that differ.
                column.Add(1);
                return name == "I1" ? "I2" : name;
            default:
                column[random.Next(column.Count)] = WrongNumber(name, random);
                return name;
        }
    }

    private static void SpoilRoot(JsonObject root, Random random)
    {
        switch (random.Next(8))
        {
            case 0:
                root["signature_name"] = Raw("\"\\ud800\"");
                break;
            case 1:
                root[Raw(_strangeNames[random.Next(_strangeNames.Length)])] = 1;
                break;
            case 2:
                root[root.ContainsKey("inputs") ? "instances" : "inputs"] = new JsonArray();
                break;
            case 3:
                root["instances"] = random.Next(2) == 0 ? null : "rows";
                break;
            default:
                break;
        }
    }

    private static (string Name, JsonNode? Value) Pick(JsonObject features, Random random)
    {
        KeyValuePair<string, JsonNode?> picked = features.ElementAt(random.Next(features.Count));
        return (picked.Key, picked.Value);
    }

    private static JsonNode WrongNumber(string feature, Random random)
    {
        string[] wrong = feature[0] == 'I' ? _notFloats : _notIntegers;
        return JsonValue.Create(Raw(wrong[random.Next(wrong.Length)]));
    }

    // Text that no writer of JSON would write, in hexadecimal digits until the body is text.
    private static string Raw(string text) => $"<{Convert.ToHexString(Encoding.UTF8.GetBytes(text))}>";

    private static string WithRawTexts(string json)
    {
        string[] parts = json.Split("\"\\u003C");
        var text = new StringBuilder(parts[0]);
        foreach (string part in parts.Skip(1))
        {
            int end = part.IndexOf("\\u003E\"", StringComparison.Ordinal);
            text.Append(Encoding.UTF8.GetString(Convert.FromHexString(part.AsSpan(0, end)))).Append(part.AsSpan(end + 7));
        }

        return text.ToString();
    }
}
