using System.Globalization;
using System.Text.Json.Nodes;
using CsCheck;
using OpenEmbedding.Trainer.Configuration;

namespace OpenEmbedding.Trainer.Tests.Configuration;

/// <summary>Values that a key allows, as they are typed on the command line, made from its JSON schema.</summary>
internal static class Sample
{
    public static Gen<string> Of(ConfigurationType type) => Of(JsonNode.Parse(type.ToSchema().ToJsonString())!.AsObject());

    private static Gen<string> Of(JsonObject schema)
    {
        if ((schema["anyOf"] ?? schema["oneOf"]) is JsonArray choices)
        {
            return Gen.OneOf([.. choices.Select(choice => choice!.AsObject()).Where(choice => (string?)choice["type"] != "object").Select(Of)]);
        }

        if (schema["enum"] is JsonArray names)
        {
            return Gen.OneOfConst([.. names.Select(name => (string)name!)]);
        }

        return (string)schema["type"]! switch
        {
            "boolean" => Gen.Bool.Select(value => value ? "true" : "false"),
            "integer" => Gen.Long[(long)schema["minimum"]!, (long?)schema["maximum"] ?? long.MaxValue].Select(value => value.ToString(CultureInfo.InvariantCulture)),
            "number" => Number(schema).Select(value => value.ToString("R", CultureInfo.InvariantCulture)),
            "string" when schema["pattern"]?.ToString().Contains("colocated", StringComparison.Ordinal) == true => Gen.Int[1, 1000].Select(ranks => $"colocated:{ranks}"),
            "string" when schema["pattern"] is not null => Gen.Select(Gen.Long[0, 1000], Gen.Long[0, 1000], Gen.Bool, (first, more, open) => open ? $"{first}-" : $"{first}-{first + more}"),
            "string" => Gen.String[Gen.Char.AlphaNumeric, 0, 8].Select(text => "z" + text),
            "array" => Of(schema["items"]!.AsObject()).List[1, 4].Select(items => string.Join(',', items.Distinct())),
            string other => throw new ArgumentOutOfRangeException(nameof(schema), other, "a type without samples"),
        };
    }

    private static Gen<double> Number(JsonObject schema)
    {
        double low = (double?)(schema["minimum"] ?? schema["exclusiveMinimum"]) ?? -1e9;
        double high = (double?)(schema["maximum"] ?? schema["exclusiveMaximum"]) ?? 1e9;
        return Gen.Double[low, high].Where(value =>
            (schema["exclusiveMinimum"] is null || value > low) && (schema["exclusiveMaximum"] is null || value < high));
    }
}
