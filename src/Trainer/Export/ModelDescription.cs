using System.Text.Json;
using System.Text.Json.Serialization;
using OpenEmbedding.EmbeddingPs.Checkpoints;
using OpenEmbedding.EmbeddingPs.Tables;
using OpenEmbedding.Trainer.Configuration;
using OpenEmbedding.Trainer.Training;

namespace OpenEmbedding.Trainer.Export;

/// <summary><c>model.json</c>: what a program that serves the model wants to know before it opens it.</summary>
internal sealed record ModelDescription
{
    public const string FileName = "model.json";
    private static readonly JsonSerializerOptions _json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        WriteIndented = true,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.SnakeCaseLower) },
    };

    /// <summary>The form of this file.</summary>
    public int Format => 1;

    /// <summary>The model's name.</summary>
    public required string Model { get; init; }

    /// <summary>The version of the program that trained it.</summary>
    public string Program => StartupCheck.ProgramVersion;

    public required IReadOnlyList<Port> Inputs { get; init; }

    public required IReadOnlyList<Port> Outputs { get; init; }

    public required Facts Training { get; init; }

    public required IReadOnlyList<Table> Tables { get; init; }

    /// <summary>Where the rows are that a dense part alone is fed with; null for a whole model.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public ServedTables? Rows { get; init; }

    /// <summary>The other files of the folder.</summary>
    public required IReadOnlyList<ExportedFile> Files { get; init; }

    public static ModelDescription Create(
        JobOptions options, ComputationGraph graph, TrainingResult training, TableLayout layout, long hashRows, IReadOnlyList<ExportedFile> files) => new()
        {
            Model = new ChoiceType(typeof(ModelName)).Write(options.Model.Name).GetValue<string>(),
            Inputs = [.. graph.Inputs.Select(Port.Of)],
            Outputs = [.. graph.Outputs.Select(Port.Of)],
            Training = new Facts(training.Steps, training.Samples, training.Train, training.Test),
            Tables = [.. layout.Tables.Select(table => Table.Of(table, hashRows))],
            Files = files,
        };

    /// <summary>Describes a dense part, whose inputs are those of a whole model.</summary>
    public static ModelDescription CreateDense(
        JobOptions options, ComputationGraph graph, ComputationGraph keys, TrainingResult training, ServedTables rows, IReadOnlyList<ExportedFile> files) => new()
        {
            Model = new ChoiceType(typeof(ModelName)).Write(options.Model.Name).GetValue<string>(),
            Inputs = [.. graph.Inputs.Where(input => !rows.Inputs.Contains(input.Name)).Concat(keys.Inputs).Select(Port.Of)],
            Outputs = [.. graph.Outputs.Select(Port.Of)],
            Training = new Facts(training.Steps, training.Samples, training.Train, training.Test),
            Tables = [],
            Rows = rows,
            Files = files,
        };

    public void Write(Stream stream) => JsonSerializer.Serialize(stream, this, _json);

    /// <summary>An input or output; <c>n</c> in the shape is the number of rows.</summary>
    public sealed record Port(string Name, string Type, IReadOnlyList<object> Shape)
    {
        public static Port Of(GraphPort port) => new(port.Name, port.Type.ToString().ToLowerInvariant(), ["n", .. port.Row]);
    }

    /// <summary>What it was trained on.</summary>
    public sealed record Facts(long Steps, long Samples, Quality? Train, Quality? Test);

    /// <summary>A table and the rows that it has in the export.</summary>
    public sealed record Table(string Name, string Kind, long Rows, int Dimension)
    {
        public static Table Of(TableOptions table, long hashRows) => new(
            table.Name, table.Kind.ToString().ToLowerInvariant(), table.Kind == TableKind.Hash ? hashRows : table.Vocabulary, table.Dimension);
    }
}
