using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace OpenEmbedding.Trainer.Configuration;

/// <summary>True or false.</summary>
internal sealed class BooleanType : ConfigurationType
{
    public override string Expected => "true or false";

    public override object Read(JsonNode? node, KeyPath path, object? current, bool complete) => node?.GetValueKind() switch
    {
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        _ => throw Refuse(node, path),
    };

    public override JsonNode Write(object value) => JsonValue.Create((bool)value);

    public override JsonObject ToSchema() => new() { ["type"] = "boolean" };

    public override JsonNode? FromText(string text, KeyPath path) =>
        bool.TryParse(text, out bool value) ? JsonValue.Create(value) : base.FromText(text, path);
}

/// <summary>A whole number in a range; 32 bits wide where the property is.</summary>
internal sealed class IntegerType(Type clrType, long minimum, long maximum) : ConfigurationType
{
    public override string Expected =>
        maximum == long.MaxValue ? string.Create(CultureInfo.InvariantCulture, $"an integer of at least {minimum}")
        : string.Create(CultureInfo.InvariantCulture, $"an integer from {minimum} to {maximum}");

    public override object Read(JsonNode? node, KeyPath path, object? current, bool complete)
    {
        if (node?.GetValueKind() != JsonValueKind.Number
            || !long.TryParse(node.ToJsonString(), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long value)
            || value < minimum
            || value > maximum)
        {
            throw Refuse(node, path);
        }

        return Convert.ChangeType(value, clrType, CultureInfo.InvariantCulture);
    }

    public override JsonNode Write(object value) => JsonValue.Create(Convert.ToInt64(value, CultureInfo.InvariantCulture));

    public override JsonObject ToSchema()
    {
        var schema = new JsonObject { ["type"] = "integer", ["minimum"] = minimum };
        if (maximum != long.MaxValue)
        {
            schema["maximum"] = maximum;
        }

        return schema;
    }

    public override JsonNode? FromText(string text, KeyPath path) =>
        long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long value)
            ? JsonValue.Create(value)
            : base.FromText(text, path);
}

/// <summary>A finite number in a range; infinite bounds do not limit.</summary>
internal sealed partial class NumberType(double minimum, bool aboveMinimum, double maximum, bool belowMaximum) : ConfigurationType
{
    public override string Expected => (double.IsFinite(minimum), double.IsFinite(maximum)) switch
    {
        (false, false) => "a number",
        (true, false) => $"a number {(aboveMinimum ? "above" : "of at least")} {Text(minimum)}",
        (false, true) => $"a number {(belowMaximum ? "below" : "of at most")} {Text(maximum)}",
        _ => $"a number {(aboveMinimum ? "above" : "from")} {Text(minimum)} {(belowMaximum ? "to below" : "to")} {Text(maximum)}",
    };

    public override object Read(JsonNode? node, KeyPath path, object? current, bool complete)
    {
        if (node?.GetValueKind() != JsonValueKind.Number
            || !double.TryParse(node.ToJsonString(), NumberStyles.Float, CultureInfo.InvariantCulture, out double value)
            || !double.IsFinite(value)
            || value < minimum
            || value > maximum
            || (aboveMinimum && value == minimum)
            || (belowMaximum && value == maximum))
        {
            throw Refuse(node, path);
        }

        return value;
    }

    public override JsonNode Write(object value) => JsonNode.Parse(Text((double)value))!;

    public override JsonObject ToSchema()
    {
        var schema = new JsonObject { ["type"] = "number" };
        if (double.IsFinite(minimum))
        {
            schema[aboveMinimum ? "exclusiveMinimum" : "minimum"] = minimum;
        }

        if (double.IsFinite(maximum))
        {
            schema[belowMaximum ? "exclusiveMaximum" : "maximum"] = maximum;
        }

        return schema;
    }

    public override JsonNode? FromText(string text, KeyPath path) =>
        double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double value) && double.IsFinite(value)
            ? JsonValue.Create(value)
            : base.FromText(text, path);

    /// <summary>The shortest text that reads back as the value: 1e-7 rather than 1E-07.</summary>
    private static string Text(double value) =>
        Exponent().Replace(value.ToString("R", CultureInfo.InvariantCulture), "e$1$2");

    [GeneratedRegex("E([-]?)[+]?0*([0-9]+)")]
    private static partial Regex Exponent();
}

/// <summary>Any text, or any but the empty one.</summary>
internal sealed class StringType(bool allowEmpty) : ConfigurationType
{
    public override string Expected => allowEmpty ? "a string" : "a non-empty string";

    public override object Read(JsonNode? node, KeyPath path, object? current, bool complete) =>
        node?.GetValueKind() == JsonValueKind.String && (allowEmpty || node.GetValue<string>().Length > 0)
            ? node.GetValue<string>()
            : throw Refuse(node, path);

    public override JsonNode Write(object value) => JsonValue.Create((string)value);

    public override JsonObject ToSchema()
    {
        var schema = new JsonObject { ["type"] = "string" };
        if (!allowEmpty)
        {
            schema["minLength"] = 1;
        }

        return schema;
    }
}
