using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace OpenEmbedding.Trainer.Configuration;

/// <summary>Writes what the reader reads, and the schema of it.</summary>
internal static class ConfigurationWriter
{
    private static readonly JsonSerializerOptions _indented = new()
    {
        WriteIndented = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>The whole job with the values in effect.</summary>
    public static string Write(JobOptions job) => ConfigurationKeys.Root.Write(job).ToJsonString(_indented);

    /// <summary>The JSON schema of a configuration file, with its last line end.</summary>
    public static string WriteSchema()
    {
        JsonObject schema = ConfigurationKeys.Root.ToSchema();
        ((JsonObject)schema["properties"]!).Insert(0, "$schema", new JsonObject { ["type"] = "string" });
        schema.Insert(0, "$schema", "https://json-schema.org/draft/2020-12/schema");
        schema.Insert(1, "title", "Configuration of oe-train");
        schema.Insert(2, "description", ConfigurationKeys.Root.Description);
        return schema.ToJsonString(_indented) + "\n";
    }
}
