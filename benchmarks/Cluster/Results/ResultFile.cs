using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using OpenEmbedding.Benchmarks.Cluster.Jobs;

namespace OpenEmbedding.Benchmarks.Cluster.Results;

/// <summary>Everything as one JSON object: the machine, the settings, every run.</summary>
internal static class ResultFile
{
    private static readonly JsonSerializerOptions _style = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        WriteIndented = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>Makes the JSON text, with its last line end.</summary>
    public static string Write(BenchOptions options, Machine machine, DateTime started, IReadOnlyList<CaseResult> results) => new JsonObject
    {
        ["started"] = started.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", System.Globalization.CultureInfo.InvariantCulture),
        ["machine"] = JsonSerializer.SerializeToNode(machine, _style),
        ["settings"] = Settings(options),
        ["results"] = new JsonArray([.. results.Select(Result)]),
    }.ToJsonString(_style) + "\n";

    private static JsonObject Settings(BenchOptions options) => new()
    {
        ["batch_size"] = options.BatchSize,
        ["vocabulary"] = options.Ids,
        ["zipf"] = options.Zipf,
        ["rows"] = options.Rows,
        ["repeats"] = options.Repeats,
        ["seconds"] = options.Seconds,
        ["timeout"] = options.Timeout,
        ["servers"] = options.Servers?.ToString(),
        ["network"] = options.Network,
        ["hosts"] = options.Network is null ? null : options.Hosts,
        ["trainer_options"] = new JsonArray([.. options.TrainerOptions.Select(option => JsonValue.Create(option))]),
    };

    private static JsonNode Result(CaseResult result)
    {
        var json = new JsonObject
        {
            ["model"] = Workload.NameOf(result.Case.Workload.Model),
            ["dimension"] = result.Case.Workload.Dimension,
            ["ranks"] = result.Case.Ranks,
            ["vocabulary"] = result.Case.Ids,
            ["ps_to_baseline"] = result.PsToBaseline,
            ["ceiling_to_baseline"] = result.CeilingToBaseline,
            ["ps_to_ceiling"] = result.PsToCeiling,
            ["ps_to_pytorch"] = result.PsToPyTorch,
        };
        foreach (Runs runs in result.Runs)
        {
            JsonNode node = JsonSerializer.SerializeToNode(runs, _style)!;
            node.AsObject().Remove("contender");
            json[JobCommand.NameOf(runs.Contender)] = node;
        }

        return json;
    }
}
