using System.Text.Json;
using System.Text.Json.Nodes;
using OpenEmbedding.EmbeddingPs.Checkpoints;
using OpenEmbedding.EmbeddingPs.Client;
using OpenEmbedding.Trainer.Configuration;
using OpenEmbedding.Trainer.Metrics;

namespace OpenEmbedding.Trainer.Training;

/// <summary>Quality of a pass over data.</summary>
/// <param name="Samples">Samples of all trainers.</param>
/// <param name="Logloss">Mean log-loss in nats, null without samples.</param>
/// <param name="Auc">Area under the ROC curve; null when one label is missing.</param>
internal sealed record Quality(long Samples, double? Logloss, double? Auc)
{
    /// <summary>The same by the keys of a column; null where it is not asked for.</summary>
    public GroupedQuality? Groups { get; init; }

    /// <summary>Takes what the metrics of all trainers say; null where they have no value.</summary>
    public static Quality Of(BinaryMetrics metrics) => new(metrics.Count, OrNull(metrics.LogLoss), OrNull(metrics.Auc));

    private static double? OrNull(double value) => double.IsNaN(value) ? null : value;
}

/// <summary>What a job did, written as one JSON object by <c>--output.summary FILE</c>.</summary>
internal sealed record Summary
{
    public required string Strategy { get; init; }

    public required int Ranks { get; init; }

    public required int Servers { get; init; }

    public required int Trainers { get; init; }

    public required long Samples { get; init; }

    /// <summary>Of <see cref="Samples"/>, those that were trained before this job, by the checkpoint that it loaded.</summary>
    public required long LoadedSamples { get; init; }

    public required long Steps { get; init; }

    public required double Seconds { get; init; }

    public double SamplesPerSecond => Seconds > 0 ? (Samples - LoadedSamples) / Seconds : 0;

    /// <summary>The steps after the first <c>output.steady_after</c>; null when there are none.</summary>
    public required SteadySpeed? Steady { get; init; }

    public required Quality? Train { get; init; }

    public required Quality? Test { get; init; }

    /// <summary>Whether training ended because the test rows were scored no better.</summary>
    public required bool StoppedEarly { get; init; }

    public required long BadRows { get; init; }

    public required long BytesPulled { get; init; }

    public required long BytesPushed { get; init; }

    /// <summary>The largest resident set of any rank, in bytes.</summary>
    public required long PeakMemoryBytes { get; init; }

    /// <summary>The largest resident set of every rank, in bytes.</summary>
    public required IReadOnlyList<long> PeakMemoryBytesByRank { get; init; }

    public required IReadOnlyList<TableStatistics> Tables { get; init; }

    public required IReadOnlyDictionary<string, string> Versions { get; init; }

    /// <summary>Writes the object with the configuration it came from.</summary>
    public void Write(string path, JobOptions job)
    {
        var options = new JsonSerializerOptions
        {
            PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
            WriteIndented = true,
        };
        JsonObject json = JsonSerializer.SerializeToNode(this, options)!.AsObject();
        json["config"] = JsonNode.Parse(job.ToJson());
        WholeFile.Write(path, stream =>
        {
            using var writer = new Utf8JsonWriter(stream, new JsonWriterOptions { Indented = true });
            json.WriteTo(writer, options);
        });
    }
}
