using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using OpenEmbedding.Trainer.Configuration;
using OpenEmbedding.Trainer.Training;

namespace OpenEmbedding.Trainer.Checkpoints;

/// <summary>How far training is: what a checkpoint tells besides weights and slots.</summary>
/// <remarks>The running metrics' histogram is in the file of the dense weights.</remarks>
internal sealed record TrainingState
{
    private static readonly JsonSerializerOptions _json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.SnakeCaseLower) },
    };

    /// <summary>Steps trained, over all epochs.</summary>
    public required long Steps { get; init; }

    /// <summary>The epoch that is next or under way, from 1.</summary>
    public required int Epoch { get; init; }

    /// <summary>Steps of that epoch that are trained.</summary>
    public required long StepsOfEpoch { get; init; }

    /// <summary>Rows of that epoch that are passed: of the selection, or of each trainer's files with <see cref="ShardRule.Files"/>.</summary>
    public required long RowsOfEpoch { get; init; }

    /// <summary>Samples trained on, over all epochs.</summary>
    public required long Samples { get; init; }

    /// <summary>Samples of the epoch.</summary>
    public required long SamplesOfEpoch { get; init; }

    /// <summary>Malformed rows passed over, of all trainers.</summary>
    public required long BadRows { get; init; }

    /// <summary>The sum of the losses of the epoch, by trainer, in nats.</summary>
    public required double[] Losses { get; init; }

    /// <summary>Quality of the last whole epoch on its own rows, null in the first.</summary>
    public Quality? Train { get; init; }

    /// <summary>The best score of a test so far, null before the first.</summary>
    public double? BestScore { get; init; }

    /// <summary>Tests since then.</summary>
    public int TestsSinceBest { get; init; }

    /// <summary>How rows are dealt.</summary>
    public required ShardRule Shard { get; init; }

    /// <summary>Rows that are shuffled together; 0 if none are.</summary>
    public int ShuffleBuffer { get; init; }

    /// <summary>The seed of their order.</summary>
    public long ShuffleSeed { get; init; }

    /// <summary>The rule of the dense weights.</summary>
    public required string Optimizer { get; init; }

    /// <summary>The seed of initial values.</summary>
    public required long Seed { get; init; }

    public JsonObject ToJson() => JsonSerializer.SerializeToNode(this, _json)!.AsObject();

    /// <summary>Reads it from a manifest; null for a model and for the checkpoint of another program, which has no place in the data.</summary>
    public static TrainingState? Of(JsonObject? training) =>
        training is null || ProgramState.Of(training) is not null ? null : training.Deserialize<TrainingState>(_json);
}
