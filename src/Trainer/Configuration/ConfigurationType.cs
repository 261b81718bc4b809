using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace OpenEmbedding.Trainer.Configuration;

/// <summary>
/// What the value of a key may be. The strict reader, the writer, the JSON schema, the command line and the key table are all made from these,
/// and these from the option records by reflection.
/// </summary>
internal abstract class ConfigurationType
{
    private static readonly JsonSerializerOptions _plain = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>What is allowed, as it ends the sentence "… is not".</summary>
    public abstract string Expected { get; }

    /// <summary>Makes the value of the JSON; <paramref name="current"/> is the default it starts from.</summary>
    /// <exception cref="ConfigurationFault">The JSON is not <see cref="Expected"/>.</exception>
    public abstract object Read(JsonNode? node, KeyPath path, object? current, bool complete);

    /// <summary>Makes the JSON that <see cref="Read"/> turns into the same value.</summary>
    public abstract JsonNode Write(object value);

    /// <summary>Makes the JSON schema of the type.</summary>
    public abstract JsonObject ToSchema();

    /// <summary>Makes JSON of a value on the command line; what does not fit becomes a string, which <see cref="Read"/> refuses.</summary>
    public virtual JsonNode? FromText(string text, KeyPath path) => JsonValue.Create(text);

    /// <summary>The JSON in one line, cut to a length that fits a message.</summary>
    public static string Show(JsonNode? node)
    {
        string text = node is null ? "null" : node.ToJsonString(_plain);
        return text.Length <= 60 ? text : string.Concat(text.AsSpan(0, 57), "...");
    }

    /// <summary>The error of a value that the type does not allow.</summary>
    protected ConfigurationFault Refuse(JsonNode? node, KeyPath path, string? nearest = null)
    {
        string hint = nearest is null ? "" : $"; did you mean \"{nearest}\"?";
        string subject = path == KeyPath.Root ? Show(node) : $"{path} = {Show(node)}";
        return new ConfigurationFault(path, $"{subject} is not {Expected}{hint}");
    }

    /// <summary>Reads JSON given as a value on the command line.</summary>
    protected static JsonNode? ParseText(string text, KeyPath path)
    {
        try
        {
            return JsonText.Parse(text);
        }
        catch (JsonException failure)
        {
            throw new ConfigurationFault(path, $"{path}: {JsonText.Describe(failure)}");
        }
        catch (ConfigurationFault fault)
        {
            throw new ConfigurationFault(path, $"{path}: {fault.Message}");
        }
    }
}

/// <summary>A key with its sections; the root is empty.</summary>
/// <param name="Text">The path as it is written, as in <c>model.dnn_hidden_units[2]</c>.</param>
internal readonly record struct KeyPath(string Text)
{
    public static KeyPath Root { get; } = new("");

    public KeyPath Child(string key) => new(Text.Length == 0 ? key : $"{Text}.{key}");

    public KeyPath Item(int index) => new($"{Text}[{index}]");

    public override string ToString() => Text;
}

/// <summary>What is wrong at a key; the loader puts the source in front and reports it.</summary>
/// <param name="path">The key.</param>
/// <param name="message">What is wrong, what is allowed, what came.</param>
/// <param name="others">The keys that take part in the rule.</param>
internal sealed class ConfigurationFault(KeyPath path, string message, params KeyPath[] others) : Exception(message)
{
    /// <summary>The keys concerned, one of which the command line may have given.</summary>
    public IReadOnlyList<KeyPath> Paths { get; } = [path, .. others];
}
