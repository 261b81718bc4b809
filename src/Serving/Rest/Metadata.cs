using System.Globalization;
using System.Text.Json;
using OpenEmbedding.Serving.Models;

namespace OpenEmbedding.Serving.Rest;

/// <summary>The signature of a model in the form of TensorFlow Serving's <c>/metadata</c>.</summary>
internal static class Metadata
{
    public static void Write(Utf8JsonWriter json, string model, ModelVersion version)
    {
        json.WriteStartObject("model_spec");
        json.WriteString("name", model);
        json.WriteString("signature_name", "");
        json.WriteString("version", version.Number.ToString(CultureInfo.InvariantCulture));
        json.WriteEndObject();

        json.WriteStartObject("metadata");
        json.WriteStartObject("signature_def");
        json.WriteStartObject("signature_def");
        json.WriteStartObject(Signature.Name);
        WritePorts(json, "inputs", version.Signature.Inputs);
        WritePorts(json, "outputs", [version.Signature.Output]);
        json.WriteString("method_name", "tensorflow/serving/predict");
        json.WriteEndObject();
        json.WriteEndObject();
        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static void WritePorts(Utf8JsonWriter json, string name, IReadOnlyList<Port> ports)
    {
        json.WriteStartObject(name);
        foreach (Port port in ports)
        {
            json.WriteStartObject(port.Name);
            json.WriteString("dtype", port.TensorFlowType);
            json.WriteStartObject("tensor_shape");
            json.WriteStartArray("dim");
            foreach (string size in (string[])["-1", port.Width.ToString(CultureInfo.InvariantCulture)])
            {
                json.WriteStartObject();
                json.WriteString("size", size);
                json.WriteString("name", "");
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteBoolean("unknown_rank", false);
            json.WriteEndObject();
            json.WriteString("name", $"{port.Name}:0");
            json.WriteEndObject();
        }

        json.WriteEndObject();
    }
}
