using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using System.Text.Unicode;
using Microsoft.ML.OnnxRuntime.Tensors;
using OpenEmbedding.Serving.Models;

namespace OpenEmbedding.Serving.Rest;

/// <summary>
/// The body of a request for predictions, in one of the two forms of TensorFlow Serving: rows, <c>{"instances": [{"I1": [0.5], …}, …]}</c>, or
/// columns, <c>{"inputs": {"I1": [[0.5], …], …}}</c>.
/// </summary>
/// <param name="Columns">The rows.</param>
/// <param name="ByRow">Whether they came as rows.</param>
internal sealed record PredictRequest(FeatureColumns Columns, bool ByRow)
{
    private const string Instances = "instances";
    private const string Inputs = "inputs";
    private const string SignatureName = "signature_name";

    private static readonly JsonDocumentOptions _shallow = new() { MaxDepth = 16 };

    /// <summary>Reads a body.</summary>
    /// <exception cref="RequestException">The body is malformed, or does not fit the model; the message names the feature and the row.</exception>
    public static PredictRequest Read(ReadOnlyMemory<byte> body, Signature signature, int largestBatch)
    {
        using JsonDocument document = Parse(body);
        JsonElement root = document.RootElement;
        if (root.ValueKind != JsonValueKind.Object)
        {
            throw RequestException.Malformed($"the body is not an object but {Kind(root)}; \"{Instances}\" or \"{Inputs}\" is allowed in it");
        }

        JsonElement? rows = null, columns = null, signatureName = null;
        foreach (JsonProperty property in root.EnumerateObject())
        {
            switch (NameOf(property))
            {
                case Instances:
                    rows = Once(rows, property);
                    break;
                case Inputs:
                    columns = Once(columns, property);
                    break;
                case SignatureName:
                    signatureName = Once(signatureName, property);
                    CheckSignature(property.Value);
                    break;
                case var name:
                    throw RequestException.Malformed($"\"{name}\" is unknown; \"{Instances}\", \"{Inputs}\" and \"{SignatureName}\" are allowed");
            }
        }

        return (rows, columns) switch
        {
            ({ } list, null) => new PredictRequest(ReadRows(list, signature, largestBatch), ByRow: true),
            (null, { } list) => new PredictRequest(ReadColumns(list, signature, largestBatch), ByRow: false),
            _ => throw RequestException.Malformed($"one of \"{Instances}\" and \"{Inputs}\" is needed, not {(rows is null ? "none" : "both")}"),
        };
    }

    private static JsonDocument Parse(ReadOnlyMemory<byte> body)
    {
        // Not checked by the parser, and text that is none cannot be shown in errors.
        if (!Utf8.IsValid(body.Span))
        {
            throw RequestException.Malformed("the body is not JSON: it is not UTF-8");
        }

        try
        {
            return JsonDocument.Parse(body, _shallow);
        }
        catch (JsonException e)
        {
            throw NotJson(e);
        }
    }

    private static string NameOf(JsonProperty property)
    {
        // One with half of a surrogate pair is an invalid operation to the parser.
        try
        {
            return property.Name;
        }
        catch (InvalidOperationException e)
        {
            throw NotJson(e);
        }
    }

    private static RequestException NotJson(Exception e) => RequestException.Malformed($"the body is not JSON: {e.Message.ReplaceLineEndings(" ")}");

    private static JsonElement Once(JsonElement? before, JsonProperty property) =>
        before is null ? property.Value : throw RequestException.Malformed($"\"{property.Name}\" is given twice");

    private static void CheckSignature(JsonElement name)
    {
        if (name.ValueKind != JsonValueKind.String || !(name.ValueEquals("") || name.ValueEquals(Signature.Name)))
        {
            throw FeatureChecks.UnknownSignature(name.GetRawText());
        }
    }

    private static FeatureColumns ReadRows(JsonElement list, Signature signature, int largestBatch)
    {
        if (list.ValueKind != JsonValueKind.Array)
        {
            throw RequestException.Malformed($"\"{Instances}\" is not a list of rows but {Kind(list)}");
        }

        var columns = new FeatureColumns(signature, FeatureChecks.CheckRows(list.GetArrayLength(), $"\"{Instances}\"", largestBatch));
        var isGiven = new bool[signature.Inputs.Count];
        int row = 0;
        foreach (JsonElement features in list.EnumerateArray())
        {
            if (features.ValueKind != JsonValueKind.Object)
            {
                throw RequestException.Malformed($"row {row} of \"{Instances}\" is not an object of features but {Kind(features)}");
            }

            Array.Clear(isGiven);
            foreach (JsonProperty feature in features.EnumerateObject())
            {
                ReadField(columns, signature, Place(feature, signature, isGiven), row, feature.Value);
            }

            FeatureChecks.CheckMissing(isGiven, signature, $"row {row} of \"{Instances}\"");
            row++;
        }

        return columns;
    }

    private static FeatureColumns ReadColumns(JsonElement lists, Signature signature, int largestBatch)
    {
        if (lists.ValueKind != JsonValueKind.Object)
        {
            throw RequestException.Malformed($"\"{Inputs}\" is not an object of features but {Kind(lists)}");
        }

        FeatureColumns? columns = null;
        var isGiven = new bool[signature.Inputs.Count];
        foreach (JsonProperty feature in lists.EnumerateObject())
        {
            int input = Place(feature, signature, isGiven);
            if (feature.Value.ValueKind != JsonValueKind.Array)
            {
                throw RequestException.Malformed($"feature \"{feature.Name}\" is not a list with a number for each row but {Kind(feature.Value)}");
            }

            int rows = FeatureChecks.CheckRows(feature.Value.GetArrayLength(), $"feature \"{feature.Name}\"", largestBatch);
            columns ??= new FeatureColumns(signature, rows);
            FeatureChecks.CheckSameRows(feature.Name, rows, columns.Rows);
            int row = 0;
            foreach (JsonElement field in feature.Value.EnumerateArray())
            {
                ReadField(columns, signature, input, row++, field);
            }
        }

        FeatureChecks.CheckMissing(isGiven, signature, $"\"{Inputs}\"");
        return columns!;
    }

    // The place of a feature among the model's inputs, which is marked as given.
    private static int Place(JsonProperty feature, Signature signature, bool[] isGiven)
    {
        const int longest = 64;
        ReadOnlySpan<byte> raw = JsonMarshal.GetRawUtf8PropertyName(feature);
        Span<char> name = stackalloc char[longest];
        bool isPlain = raw.Length <= longest && !raw.Contains((byte)'\\');
        int input = isPlain ? signature.PlaceOf(name[..Encoding.UTF8.GetChars(raw, name)]) : signature.PlaceOf(NameOf(feature));
        if (input < 0)
        {
            throw FeatureChecks.UnknownFeature(feature.Name, signature);
        }

        if (isGiven[input])
        {
            throw RequestException.Malformed($"feature \"{feature.Name}\" is given twice");
        }

        isGiven[input] = true;
        return input;
    }

    // TensorFlow Serving wants the numbers of a row in a list, and here one may stand alone.
    private static void ReadField(FeatureColumns columns, Signature signature, int input, int row, JsonElement value)
    {
        Port port = signature.Inputs[input];
        if (value.ValueKind != JsonValueKind.Array)
        {
            ReadNumber(columns, port, input, row, 0, value);
            return;
        }

        int numbers = value.GetArrayLength();
        if (numbers > port.Width || (numbers == 0 && port.Width == 1))
        {
            throw FeatureChecks.Wrong(port, row, Shown(value));
        }

        int place = 0;
        foreach (JsonElement number in value.EnumerateArray())
        {
            ReadNumber(columns, port, input, row, place++, number);
        }
    }

    private static void ReadNumber(FeatureColumns columns, Port port, int input, int row, int place, JsonElement number)
    {
        if (number.ValueKind != JsonValueKind.Number)
        {
            throw FeatureChecks.Wrong(port, row, Shown(number));
        }

        if (port.Type == TensorElementType.Float)
        {
            float real = number.TryGetSingle(out float parsed) && float.IsFinite(parsed) ? parsed : throw FeatureChecks.Wrong(port, row, Shown(number));
            columns.Set(input, row, real);
        }
        else
        {
            columns.Set(input, row, place, number.TryGetInt64(out long integer) ? integer : throw FeatureChecks.Wrong(port, row, Shown(number)));
        }
    }

    private static string Shown(JsonElement value)
    {
        const int most = 40;
        string text = value.GetRawText();
        return value.ValueKind == JsonValueKind.Array
            ? $"a list of {value.GetArrayLength()}"
            : text.Length > most ? $"{text.AsSpan(0, most)}…" : text;
    }

    private static string Kind(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Array => "a list",
        JsonValueKind.Object => "an object",
        JsonValueKind.String => "a string",
        JsonValueKind.Number => "a number",
        JsonValueKind.Null => "null",
        _ => "true or false",
    };
}
