using System.Buffers.Binary;
using System.Globalization;
using System.Text.Json.Nodes;
using Google.Protobuf;
using OpenEmbedding.Serving.Grpc.Messages;

namespace OpenEmbedding.Serving.Tests;

/// <summary>Rows in Criteo's form as requests for predictions.</summary>
internal static class RequestRows
{
    /// <summary>A body of REST, by rows or by columns.</summary>
    public static string Body(bool byRow, string[][] rows)
    {
        JsonNode body = byRow
            ? new JsonObject { ["instances"] = new JsonArray([.. rows.Select(Row)]) }
            : new JsonObject { ["signature_name"] = "serving_default", ["inputs"] = new JsonObject(Columns().Select(column => Column(column, rows))) };
        return body.ToJsonString();
    }

    /// <summary>A message of gRPC, its numbers in the field of their type or, <paramref name="asContent"/>, as they lie in memory.</summary>
    public static PredictRequest Message(string[][] rows, bool asContent)
    {
        var request = new PredictRequest { ModelSpec = new ModelSpec { Name = "criteo" } };
        foreach ((string Name, int Place) column in Columns())
        {
            long[] numbers = [.. rows.Select(fields => Number(column, fields))];
            bool isFloat = column.Name[0] == 'I';
            var tensor = new TensorProto
            {
                Dtype = isFloat ? DataType.DtFloat : DataType.DtInt64,
                TensorShape = new TensorShapeProto { Dim = { new TensorShapeProto.Types.Dim { Size = rows.Length }, new TensorShapeProto.Types.Dim { Size = 1 } } },
            };
            if (asContent)
            {
                tensor.TensorContent = ByteString.CopyFrom([.. numbers.SelectMany(number => isFloat ? FloatBytes(number) : IntegerBytes(number))]);
            }
            else if (isFloat)
            {
                tensor.FloatVal.AddRange(numbers.Select(number => (float)number));
            }
            else
            {
                tensor.Int64Val.AddRange(numbers);
            }

            request.Inputs[column.Name] = tensor;
        }

        return request;
    }

    /// <summary>A field as the model takes it.</summary>
    public static long Number((string Name, int Place) column, string[] fields)
    {
        string field = fields[column.Place];
        return column.Name[0] == 'I'
            ? field.Length == 0 ? 0 : long.Parse(field, CultureInfo.InvariantCulture)
            : field.Length == 0 ? -1 : long.Parse(field, NumberStyles.HexNumber, CultureInfo.InvariantCulture);
    }

    /// <summary>The features, and where their fields are in a row.</summary>
    public static IEnumerable<(string Name, int Place)> Columns() =>
        [.. Enumerable.Range(1, 13).Select(i => ($"I{i}", i)), .. Enumerable.Range(1, 26).Select(i => ($"C{i}", 13 + i))];

    private static JsonObject Row(string[] fields) => new(Columns().Select(column => KeyValuePair.Create(column.Name, (JsonNode?)Value(column, fields))));

    private static KeyValuePair<string, JsonNode?> Column((string Name, int Place) column, string[][] rows) =>
        KeyValuePair.Create(column.Name, (JsonNode?)new JsonArray([.. rows.Select(fields => Value(column, fields))]));

    private static JsonArray Value((string Name, int Place) column, string[] fields) => [Number(column, fields)];

    private static byte[] FloatBytes(float number)
    {
        byte[] bytes = new byte[sizeof(float)];
        BinaryPrimitives.WriteSingleLittleEndian(bytes, number);
        return bytes;
    }

    private static byte[] IntegerBytes(long number)
    {
        byte[] bytes = new byte[sizeof(long)];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, number);
        return bytes;
    }
}
