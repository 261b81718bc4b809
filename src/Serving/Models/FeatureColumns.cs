using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace OpenEmbedding.Serving.Models;

/// <summary>The rows of one request: for each input of a model a column of numbers.</summary>
internal sealed class FeatureColumns
{
    private readonly float[]?[] _floats;
    private readonly long[]?[] _integers;

    public FeatureColumns(Signature signature, int rows)
    {
        Rows = rows;
        _floats = [.. signature.Inputs.Select(input => input.Type == TensorElementType.Float ? new float[rows] : null)];
        _integers = [.. signature.Inputs.Select(input => input.Type == TensorElementType.Float ? null : new long[rows])];
    }

    private FeatureColumns(int rows, float[]?[] floats, long[]?[] integers)
    {
        Rows = rows;
        _floats = floats;
        _integers = integers;
    }

    public int Rows { get; }

    /// <summary>The rows of several requests for the same model, one after the other.</summary>
    public static FeatureColumns Join(IReadOnlyList<FeatureColumns> parts) => new(
        parts.Sum(part => part.Rows),
        [.. parts[0]._floats.Select((first, input) => first is null ? null : Join(parts.Select(part => part._floats[input]!)))],
        [.. parts[0]._integers.Select((first, input) => first is null ? null : Join(parts.Select(part => part._integers[input]!)))]);

    public void Set(int input, int row, float value) => _floats[input]![row] = value;

    public void Set(int input, int row, long value) => _integers[input]![row] = value;

    /// <summary>The columns as tensors of shape [rows, 1], in the order of the inputs; whoever takes them disposes of them.</summary>
    public OrtValue[] ToTensors()
    {
        long[] shape = [Rows, 1];
        var tensors = new OrtValue[_floats.Length];
        for (int i = 0; i < tensors.Length; i++)
        {
            tensors[i] = _floats[i] is { } numbers
                ? OrtValue.CreateTensorValueFromMemory(numbers, shape)
                : OrtValue.CreateTensorValueFromMemory(_integers[i]!, shape);
        }

        return tensors;
    }

    private static T[] Join<T>(IEnumerable<T[]> columns) => [.. columns.SelectMany(column => column)];
}
