using System.Reflection;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using OpenEmbedding.Collectives;

namespace OpenEmbedding.Trainer.Configuration;

/// <summary>One of several values by its name; upper and lower case are the same.</summary>
internal sealed class ChoiceType(IEnumerable<(string Name, object Value, Func<string> Describe)> choices) : ConfigurationType
{
    private readonly (string Name, object Value, Func<string> Describe)[] _choices = [.. choices];

    /// <summary>Takes all members of the enum, or only those allowed.</summary>
    public ChoiceType(Type clrType, IReadOnlyCollection<object?>? allowed = null)
        : this(clrType.GetFields(BindingFlags.Public | BindingFlags.Static)
            .Where(field => allowed is null || allowed.Contains(field.GetValue(null)))
            .Select(field => (NameOf(field), field.GetValue(null)!, new Func<string>(() => Documentation.Of(field)))))
    {
    }

    public override string Expected => "one of " + string.Join(", ", _choices.Select(choice => $"\"{choice.Name}\""));

    /// <summary>Each name with what it means.</summary>
    public IEnumerable<(string Name, string Description)> Choices => _choices.Select(choice => (choice.Name, choice.Describe()));

    public override object Read(JsonNode? node, KeyPath path, object? current, bool complete)
    {
        if (node?.GetValueKind() != JsonValueKind.String)
        {
            throw Refuse(node, path);
        }

        string text = node.GetValue<string>();
        foreach ((string name, object value, _) in _choices)
        {
            if (name.Equals(text, StringComparison.OrdinalIgnoreCase))
            {
                return value;
            }
        }

        throw Refuse(node, path, NearestName.Find(text, _choices.Select(choice => choice.Name)));
    }

    public override JsonNode Write(object value) => JsonValue.Create(_choices.First(choice => choice.Value.Equals(value)).Name);

    public override JsonObject ToSchema() =>
        new() { ["enum"] = new JsonArray([.. _choices.Select(choice => JsonValue.Create(choice.Name))]) };

    private static string NameOf(FieldInfo field) =>
        field.GetCustomAttribute<NamedAttribute>()?.Name
        ?? field.GetCustomAttribute<JsonStringEnumMemberNameAttribute>()?.Name
        ?? JsonNamingPolicy.SnakeCaseLower.ConvertName(field.Name);
}
