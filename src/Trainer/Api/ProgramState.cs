using System.Text.Json;
using System.Text.Json.Nodes;

namespace OpenEmbedding.Trainer;

/// <summary>What the checkpoint of a program of one's own tells besides weights: the field <c>program</c> below <c>training</c> of its manifest.</summary>
internal sealed record ProgramState
{
    private const string Field = "program";

    private static readonly JsonSerializerOptions _json = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };

    /// <summary>The torch optimizer whose state is in the checkpoint; null if weights alone are.</summary>
    public string? Optimizer { get; init; }

    /// <summary>The metric by which it is the best so far.</summary>
    public double? Metric { get; init; }

    /// <summary>What the program wants back.</summary>
    public JsonObject? State { get; init; }

    public JsonObject ToJson() => new() { [Field] = JsonSerializer.SerializeToNode(this, _json) };

    /// <summary>Reads it from the manifest's <c>training</c>; null for a checkpoint of <c>oe-train</c> or a model.</summary>
    public static ProgramState? Of(JsonObject? training) => training?[Field]?.Deserialize<ProgramState>(_json);
}
