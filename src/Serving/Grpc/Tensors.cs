using System.Buffers.Binary;
using System.Globalization;
using Google.Protobuf.Collections;
using Microsoft.ML.OnnxRuntime.Tensors;
using OpenEmbedding.Serving.Grpc.Messages;
using OpenEmbedding.Serving.Models;

namespace OpenEmbedding.Serving.Grpc;

/// <summary>Reads and makes tensors of TensorFlow: their numbers lie in the field of their type or, as in memory, in <c>tensor_content</c>.</summary>
internal static class Tensors
{
    /// <summary>The type's number in TensorFlow's messages.</summary>
    public static DataType TypeOf(Port port) => port.Type == TensorElementType.Float ? DataType.DtFloat : DataType.DtInt64;

    /// <summary>The rows of a request: for each feature a tensor of shape [rows, 1] or [rows].</summary>
    /// <exception cref="RequestException">They do not fit the model; the message names the feature and the row.</exception>
    public static FeatureColumns Read(MapField<string, TensorProto> inputs, Signature signature, int largestBatch)
    {
        FeatureColumns? columns = null;
        var isGiven = new bool[signature.Inputs.Count];
        foreach ((string name, TensorProto tensor) in inputs)
        {
            int input = FeatureChecks.PlaceOf(name, signature);
            isGiven[input] = true;
            Port port = signature.Inputs[input];
            if (tensor.Dtype != TypeOf(port))
            {
                throw RequestException.Malformed($"feature \"{name}\" is a tensor of type {TypeName(tensor.Dtype)}; {port.TensorFlowType} is allowed");
            }

            int rows = ReadRows(name, tensor.TensorShape, largestBatch);
            columns ??= new FeatureColumns(signature, rows);
            FeatureChecks.CheckSameRows(name, rows, columns.Rows);
            if (port.Type == TensorElementType.Float)
            {
                ReadFloats(columns, port, input, tensor);
            }
            else
            {
                ReadIntegers(columns, port, input, tensor);
            }
        }

        FeatureChecks.CheckMissing(isGiven, signature, "\"inputs\"");
        return columns!;
    }

    /// <summary>A column of shape [rows, 1].</summary>
    public static TensorProto Column(float[] numbers) => new()
    {
        Dtype = DataType.DtFloat,
        TensorShape = ShapeOf(numbers.Length),
        FloatVal = { numbers },
    };

    /// <summary>The shape [rows, 1]; −1 for any number of rows.</summary>
    public static TensorShapeProto ShapeOf(long rows) => new() { Dim = { new TensorShapeProto.Types.Dim { Size = rows }, new TensorShapeProto.Types.Dim { Size = 1 } } };

    private static string TypeName(DataType type) => type switch
    {
        DataType.DtFloat => "DT_FLOAT",
        DataType.DtInt64 => "DT_INT64",
        _ => type.ToString().Replace("Dt", "DT_", StringComparison.Ordinal).ToUpperInvariant(),
    };

    private static int ReadRows(string name, TensorShapeProto? shape, int largestBatch)
    {
        long[] sizes = [.. shape?.Dim.Select(dimension => dimension.Size) ?? []];
        return sizes is [>= 0] or [>= 0, 1] && !shape!.UnknownRank
            ? FeatureChecks.CheckRows(sizes[0], $"feature \"{name}\"", largestBatch)
            : throw RequestException.Malformed(
                $"feature \"{name}\" has the shape {(shape?.UnknownRank ?? false ? "unknown" : $"[{string.Join(", ", sizes)}]")}; [rows, 1] is allowed");
    }

    private static void ReadFloats(FeatureColumns columns, Port port, int input, TensorProto tensor)
    {
        ReadOnlySpan<byte> content = tensor.TensorContent.Span;
        CheckCount(columns, port, content.Length, sizeof(float), tensor.FloatVal.Count);
        for (int row = 0; row < columns.Rows; row++)
        {
            float number = content.IsEmpty ? At(tensor.FloatVal, row) : BinaryPrimitives.ReadSingleLittleEndian(content[(row * sizeof(float))..]);
            columns.Set(input, row, float.IsFinite(number) ? number : throw FeatureChecks.Wrong(port, row, number.ToString(CultureInfo.InvariantCulture)));
        }
    }

    private static void ReadIntegers(FeatureColumns columns, Port port, int input, TensorProto tensor)
    {
        ReadOnlySpan<byte> content = tensor.TensorContent.Span;
        CheckCount(columns, port, content.Length, sizeof(long), tensor.Int64Val.Count);
        for (int row = 0; row < columns.Rows; row++)
        {
            columns.Set(input, row, content.IsEmpty ? At(tensor.Int64Val, row) : BinaryPrimitives.ReadInt64LittleEndian(content[(row * sizeof(long))..]));
        }
    }

    // A number that stands alone fills the tensor, as TensorFlow has it.
    private static T At<T>(RepeatedField<T> numbers, int row) => numbers.Count == 1 ? numbers[0] : numbers[row];

    private static void CheckCount(FeatureColumns columns, Port port, int bytes, int size, int numbers)
    {
        if (bytes > 0 && bytes != (long)columns.Rows * size)
        {
            throw RequestException.Malformed($"feature \"{port.Name}\" has {bytes} bytes of tensor_content; {columns.Rows} rows of {port.TensorFlowType} have {(long)columns.Rows * size}");
        }

        if (bytes == 0 && numbers != columns.Rows && numbers != 1)
        {
            string field = port.Type == TensorElementType.Float ? "float_val" : "int64_val";
            throw RequestException.Malformed($"feature \"{port.Name}\" has {numbers} numbers in {field} and no tensor_content; its shape has {columns.Rows} rows");
        }
    }
}
