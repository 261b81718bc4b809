using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization;
using OpenEmbedding.Collectives;
using OpenEmbedding.EmbeddingPs.Initializers;
using OpenEmbedding.EmbeddingPs.Tables;

namespace OpenEmbedding.EmbeddingPs.Checkpoints;

/// <summary>What a program that serves a dense part must know of its tables: the checkpoint that has them, and what is asked of them.</summary>
/// <param name="Manifest">The path of the checkpoint's manifest, from the folder of the dense part.</param>
/// <param name="Checksum">The SHA-256 of the manifest, in hexadecimal digits; it has those of all files in it.</param>
/// <param name="Columns">How many keys a row of the data has.</param>
/// <param name="Sections">The tables that share keys, by their place in <paramref name="Tables"/>; each section has as many columns, in their order.</param>
/// <param name="Inputs">The inputs of the dense part for the tables of a section, [n, columns, dimension] each.</param>
/// <param name="Tables">The tables.</param>
public sealed record ServedTables(
    string Manifest, string Checksum, int Columns, IReadOnlyList<int[]> Sections, IReadOnlyList<string> Inputs, IReadOnlyList<ServedTable> Tables)
{
    /// <summary>The file beside the dense part that computes keys from the sparse columns.</summary>
    public const string KeysFileName = "keys.onnx";

    private static readonly JsonSerializerOptions _json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.SnakeCaseLower) },
        RespectRequiredConstructorParameters = true,
        RespectNullableAnnotations = true,
    };

    /// <summary>Describes the tables of a checkpoint for a dense part in a folder.</summary>
    /// <exception cref="OpenEmbeddingException">The manifest cannot be read.</exception>
    public static ServedTables Create(
        string manifest, string folder, int columns, IReadOnlyList<int[]> sections, IReadOnlyList<string> inputs, IEnumerable<TableOptions> tables) =>
        new(Path.GetRelativePath(folder, manifest), ChecksumOf(manifest), columns, sections, inputs, [.. tables.Select(ServedTable.Of)]);

    /// <summary>Reads the description from the property <c>rows</c> of a <c>model.json</c>.</summary>
    /// <returns>Null where there is no such property: the model has its tables in it.</returns>
    /// <exception cref="JsonException">It is of another form.</exception>
    public static ServedTables? Read(JsonElement model)
    {
        if (!model.TryGetProperty("rows", out JsonElement rows))
        {
            return null;
        }

        ServedTables tables = rows.Deserialize<ServedTables>(_json) ?? throw new JsonException("\"rows\" is null");
        bool fits = tables.Sections.Count > 0 && tables.Columns > 0 && tables.Columns % tables.Sections.Count == 0
            && tables.Sections.All(section => section.Length == tables.Inputs.Count && section.All(table => (uint)table < (uint)tables.Tables.Count));
        return fits ? tables : throw new JsonException("sections, inputs and tables of \"rows\" do not fit each other");
    }

    /// <summary>The SHA-256 of a manifest, in hexadecimal digits.</summary>
    internal static string ChecksumOf(string manifest)
    {
        try
        {
            return Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(manifest)));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new OpenEmbeddingException($"The manifest {manifest} cannot be read: {e.Message}", JobExitCode.Data, e);
        }
    }
}

/// <summary>What a table must have to be read: all but what trains it.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Kind">Array or hash.</param>
/// <param name="Vocabulary">Keys of an array table.</param>
/// <param name="Dimension">Weights per row.</param>
/// <param name="ElementType">The type of the weights.</param>
/// <param name="Initializer">The weights of a key that has no row.</param>
/// <param name="Seed">The seed of these.</param>
public sealed record ServedTable(
    string Name, TableKind Kind, long Vocabulary, int Dimension, ElementType ElementType, InitializerOptions Initializer, long Seed)
{
    /// <summary>The bytes of a row.</summary>
    [JsonIgnore]
    public int RowBytes => Dimension * ElementType.SizeOf();

    /// <summary>Describes a table of a job.</summary>
    public static ServedTable Of(TableOptions table) =>
        new(table.Name, table.Kind, table.Vocabulary, table.Dimension, table.ElementType, table.Initializer, table.Seed);
}
