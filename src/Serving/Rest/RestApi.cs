using System.Buffers;
using System.Globalization;
using System.IO.Pipelines;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using OpenEmbedding.Serving.Models;

namespace OpenEmbedding.Serving.Rest;

/// <summary>The REST API of TensorFlow Serving: state, metadata and predictions of models.</summary>
/// <seealso href="https://www.tensorflow.org/tfx/serving/api_rest"/>
internal sealed class RestApi(Predictor predictor, int largestBatch)
{
    public void Map(IEndpointRouteBuilder routes)
    {
        foreach (string path in (string[])["/v1/models/{model}", "/v1/models/{model}/versions/{version}"])
        {
            routes.MapGet(path, GetStates);
            routes.MapGet($"{path}/metadata", GetMetadata);
            routes.MapPost($"{path}:predict", Predict);
        }
    }

    /// <summary>Answers an error as TensorFlow Serving does, <c>{"error": "…"}</c>.</summary>
    public static Task WriteError(HttpContext context, int status, string message)
    {
        context.Response.StatusCode = status;
        return context.Response.WriteAsJsonAsync(new { error = message });
    }

    private Task GetStates(HttpContext context, string model, string? version)
    {
        IReadOnlyList<VersionState> states = predictor.States(model, ReadVersion(version));
        return Write(context, json =>
        {
            json.WriteStartArray("model_version_status");
            foreach (VersionState state in states)
            {
                json.WriteStartObject();
                json.WriteString("version", state.Number.ToString(CultureInfo.InvariantCulture));
                json.WriteString("state", state.Refused is null ? "AVAILABLE" : "END");
                json.WriteStartObject("status");
                json.WriteString("error_code", state.Refused is null ? "OK" : "FAILED_PRECONDITION");
                json.WriteString("error_message", state.Refused ?? "");
                json.WriteEndObject();
                json.WriteEndObject();
            }

            json.WriteEndArray();
        });
    }

    private Task GetMetadata(HttpContext context, string model, string? version)
    {
        ModelVersion held = predictor.Hold(model, ReadVersion(version));
        try
        {
            return Write(context, json => Metadata.Write(json, model, held));
        }
        finally
        {
            held.Release();
        }
    }

    private async Task Predict(HttpContext context, string model, string? version)
    {
        bool byRow = false;
        using IDisposable timed = predictor.Time(model);
        byte[] body = await ReadBody(context);
        Prediction prediction = await predictor.Predict(model, ReadVersion(version), Read, context.RequestAborted);
        await Write(context, json =>
        {
            json.WriteStartArray(byRow ? "predictions" : "outputs");
            foreach (float output in prediction.Outputs)
            {
                json.WriteStartArray();
                json.WriteNumberValue(output);
                json.WriteEndArray();
            }

            json.WriteEndArray();
        });

        FeatureColumns Read(Signature signature)
        {
            var request = PredictRequest.Read(body, signature, largestBatch);
            byRow = request.ByRow;
            return request.Columns;
        }
    }

    private static async Task<byte[]> ReadBody(HttpContext context)
    {
        PipeReader reader = context.Request.BodyReader;
        while (true)
        {
            ReadResult read = await reader.ReadAsync(context.RequestAborted);
            if (read.IsCompleted)
            {
                byte[] body = read.Buffer.ToArray();
                reader.AdvanceTo(read.Buffer.End);
                return body;
            }

            reader.AdvanceTo(read.Buffer.Start, read.Buffer.End);
        }
    }

    private static async Task Write(HttpContext context, Action<Utf8JsonWriter> write)
    {
        context.Response.ContentType = "application/json";
        await using (var json = new Utf8JsonWriter(context.Response.BodyWriter))
        {
            json.WriteStartObject();
            write(json);
            json.WriteEndObject();
        }

        await context.Response.BodyWriter.FlushAsync(context.RequestAborted);
    }

    private static long? ReadVersion(string? text)
    {
        if (text is null)
        {
            return null;
        }

        return long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long number)
            ? number
            : throw RequestException.Malformed($"version \"{text}\" is not a number");
    }
}
