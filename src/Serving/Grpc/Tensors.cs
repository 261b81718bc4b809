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

    /// <summary>The rows of a request: for each feature a tensor of shape [rows, 1] or [rows], or [rows, numbers] where it may have several.</summary>
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

            (int rows, int width) = ReadShape(port, tensor.TensorShape, largestBatch);
            columns ??= new FeatureColumns(signature, rows);
            FeatureChecks.CheckSameRows(name, rows, columns.Rows);
            if (port.Type == TensorElementType.Float)
            {
                ReadFloats(columns, port, input, tensor);
            }
            else
            {
                ReadIntegers(columns, port, input, tensor, width);
            }
        }

        FeatureChecks.CheckMissing(isGiven, signature, "\"inputs\"");
        return columns!;
    }

    /// <summary>A column of shape [rows, 1].</summary>
    public static TensorProto Column(float[] numbers) => new()
    {
        Dtype = DataType.DtFloat,
        TensorShape = ShapeOf(numbers.Length, 1),
        FloatVal = { numbers },
    };

    /// <summary>The shape [rows, width]; −1 for any number of rows.</summary>
    public static TensorShapeProto ShapeOf(long rows, long width) => new() { Dim = { new TensorShapeProto.Types.Dim { Size = rows }, new TensorShapeProto.Types.Dim { Size = width } } };

    private static string TypeName(DataType type) => type switch
    {
        DataType.DtFloat => "DT_FLOAT",
        DataType.DtInt64 => "DT_INT64",
        _ => type.ToString().Replace("Dt", "DT_", StringComparison.Ordinal).ToUpperInvariant(),
    };

    private static (int Rows, int Width) ReadShape(Port port, TensorShapeProto? shape, int largestBatch)
    {
        long[] sizes = [.. shape?.Dim.Select(dimension => dimension.Size) ?? []];
        bool fits = sizes is [>= 0] or [>= 0, >= 0] && !shape!.UnknownRank && (sizes.Length == 1 || (port.Width == 1 ? sizes[1] == 1 : sizes[1] <= port.Width));
        return fits
            ? (FeatureChecks.CheckRows(sizes[0], $"feature \"{port.Name}\"", largestBatch), sizes.Length == 1 ? 1 : (int)sizes[1])
            : throw RequestException.Malformed(
                $"feature \"{port.Name}\" has the shape {(shape?.UnknownRank ?? false ? "unknown" : $"[{string.Join(", ", sizes)}]")}; [rows, {(port.Width == 1 ? "1" : $"0 to {port.Width}")}] is allowed");
    }

    private static void ReadFloats(FeatureColumns columns, Port port, int input, TensorProto tensor)
    {
        ReadOnlySpan<byte> content = tensor.TensorContent.Span;
        CheckCount(columns.Rows, port, content.Length, sizeof(float), tensor.FloatVal.Count);
        for (int row = 0; row < columns.Rows; row++)
        {
            float number = content.IsEmpty ? At(tensor.FloatVal, row) : BinaryPrimitives.ReadSingleLittleEndian(content[(row * sizeof(float))..]);
            columns.Set(input, row, float.IsFinite(number) ? number : throw FeatureChecks.Wrong(port, row, number.ToString(CultureInfo.InvariantCulture)));
        }
    }

    private static void ReadIntegers(FeatureColumns columns, Port port, int input, TensorProto tensor, int width)
    {
        ReadOnlySpan<byte> content = tensor.TensorContent.Span;
        int numbers = columns.Rows * width;
        CheckCount(numbers, port, content.Length, sizeof(long), tensor.Int64Val.Count);
        for (int i = 0; i < numbers; i++)
        {
            long number = content.IsEmpty ? At(tensor.Int64Val, i) : BinaryPrimitives.ReadInt64LittleEndian(content[(i * sizeof(long))..]);
            columns.Set(input, i / width, i % width, number);
        }
    }

    // A number that stands alone fills the tensor, as TensorFlow has it.
    private static T At<T>(RepeatedField<T> numbers, int row) => numbers.Count == 1 ? numbers[0] : numbers[row];

    private static void CheckCount(int expected, Port port, int bytes, int size, int numbers)
    {
        if (bytes > 0 && bytes != (long)expected * size)
        {
            throw RequestException.Malformed($"feature \"{port.Name}\" has {bytes} bytes of tensor_content; {expected} numbers of {port.TensorFlowType} have {(long)expected * size}");
        }

        if (bytes == 0 && numbers != expected && numbers != 1)
        {
            string field = port.Type == TensorElementType.Float ? "float_val" : "int64_val";
            throw RequestException.Malformed($"feature \"{port.Name}\" has {numbers} numbers in {field} and no tensor_content; its shape has {expected}");
        }
    }
}
