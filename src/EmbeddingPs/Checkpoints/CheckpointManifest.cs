using System.IO.Hashing;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using MessagePack;
using OpenEmbedding.Collectives;
using OpenEmbedding.EmbeddingPs.Optimizers;
using OpenEmbedding.EmbeddingPs.Tables;

namespace OpenEmbedding.EmbeddingPs.Checkpoints;

/// <summary>One checkpoint: all that is needed to find and check its files.</summary>
public sealed record CheckpointManifest
{
    /// <summary>The version of the format that this program writes and reads.</summary>
    public const int CurrentFormat = 1;

    private static readonly JsonSerializerOptions _json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        Converters = { new JsonStringEnumConverter() },
    };

    /// <summary>The version of the format.</summary>
    public int Format { get; init; } = CurrentFormat;

    /// <summary>Steps trained.</summary>
    public required long Step { get; init; }

    /// <summary>All tables.</summary>
    public required IReadOnlyList<CheckpointTable> Tables { get; init; }

    /// <summary>The segments of each server, oldest first.</summary>
    public required IReadOnlyList<IReadOnlyList<CheckpointSegment>> Servers { get; init; }

    /// <summary>The file of the dense weights, if there are any.</summary>
    public CheckpointSegment? Dense { get; init; }

    /// <summary>What the trainer keeps besides: position, metrics, seed, configuration of the model.</summary>
    public JsonObject? Training { get; init; }

    /// <summary>Every file that the checkpoint needs.</summary>
    [JsonIgnore]
    public IEnumerable<CheckpointSegment> Files => Servers.SelectMany(server => server).Concat(Dense is { } dense ? [dense] : []);

    /// <summary>The manifest as it is stored: its checksum, then itself.</summary>
    internal byte[] ToFile()
    {
        byte[] body = JsonSerializer.SerializeToUtf8Bytes(this, _json);
        return [.. "{\"checksum\":\""u8, .. System.Text.Encoding.ASCII.GetBytes(Checksum(body)), .. "\",\"manifest\":"u8, .. body, .. "}\n"u8];
    }

    /// <summary>Reads what <see cref="ToFile"/> gave.</summary>
    /// <exception cref="OpenEmbeddingException">The file is not a whole manifest of this format.</exception>
    internal static CheckpointManifest Read(string path)
    {
        try
        {
            using var document = JsonDocument.Parse(File.ReadAllBytes(path));
            var manifest = document.RootElement.GetProperty("manifest");
            byte[] body = System.Text.Encoding.UTF8.GetBytes(manifest.GetRawText());
            if (document.RootElement.GetProperty("checksum").GetString() != Checksum(body))
            {
                throw new DamagedCheckpointException($"{path}: the manifest does not have its checksum; it is damaged.");
            }

            int format = manifest.GetProperty("format").GetInt32();
            return format == CurrentFormat
                ? manifest.Deserialize<CheckpointManifest>(_json)!
                : throw new OpenEmbeddingException($"{path}: the checkpoint has format {format}, this program reads {CurrentFormat}.", JobExitCode.Data);
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            throw new DamagedCheckpointException($"{path} is not the manifest of a checkpoint: {e.Message}", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new DamagedCheckpointException($"The manifest {path} cannot be read: {e.Message}", e);
        }
    }

    private static string Checksum(byte[] body) => Convert.ToHexStringLower(XxHash3.Hash(body));
}

/// <summary>A file of a checkpoint.</summary>
[MessagePackObject]
public sealed record CheckpointSegment
{
    /// <summary>Its path below the folder of the checkpoints.</summary>
    [Key(0)]
    public required string File { get; init; }

    /// <summary>Its length.</summary>
    [Key(1)]
    public required long Bytes { get; init; }

    /// <summary>XXH3 of its header, then of the XXH3 of each array in the order of the file; 16 hexadecimal digits.</summary>
    [Key(2)]
    public required string Checksum { get; init; }

    /// <summary>Rows of each table in the file.</summary>
    [Key(3)]
    public Dictionary<string, long> Rows { get; init; } = [];

    /// <summary>Rows that each table of the server had.</summary>
    [Key(4)]
    public Dictionary<string, long> TableRows { get; init; } = [];
}

/// <summary>What a table of a checkpoint is.</summary>
public sealed record CheckpointTable
{
    /// <summary>Its name.</summary>
    public required string Name { get; init; }

    /// <summary>Array or hash.</summary>
    public required TableKind Kind { get; init; }

    /// <summary>Keys of an array table.</summary>
    public required long Vocabulary { get; init; }

    /// <summary>Weights per row.</summary>
    public required int Dimension { get; init; }

    /// <summary>The type of weights and slots.</summary>
    public required ElementType ElementType { get; init; }

    /// <summary>The rule that the slots belong to.</summary>
    public required string Optimizer { get; init; }

    /// <summary>The slots of a row in the files; none if weights alone were saved.</summary>
    public required IReadOnlyList<string> Slots { get; init; }

    /// <summary>Whether the slots fit another table's rule.</summary>
    public bool HasSlotsOf(CheckpointTable other) => Optimizer == other.Optimizer && Slots.SequenceEqual(other.Slots);

    /// <summary>Describes a table, saved with its slots or without.</summary>
    public static CheckpointTable Of(TableOptions table, bool slots = true)
    {
        var rule = RowOptimizer.Create(table.Optimizer, table.ElementType);
        return new CheckpointTable
        {
            Name = table.Name,
            Kind = table.Kind,
            Vocabulary = table.Vocabulary,
            Dimension = table.Dimension,
            ElementType = table.ElementType,
            Optimizer = table.Optimizer.RuleName(),
            Slots = !slots ? [] : rule.CountsSteps ? [.. rule.SlotNames, RowOptimizer.StepsName] : rule.SlotNames,
        };
    }
}
