using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace OpenEmbedding.Serving.Models;

/// <summary>The rows of one request: for each input of a model a column of numbers, [rows, width].</summary>
internal sealed class FeatureColumns
{
    /// <summary>What stands where a row has fewer numbers than its column is wide.</summary>
    private const long None = -1;

    private readonly float[]?[] _floats;
    private readonly long[]?[] _integers;

    public FeatureColumns(Signature signature, int rows)
    {
        Rows = rows;
        _floats = [.. signature.Inputs.Select(input => input.Type == TensorElementType.Float ? new float[rows] : null)];
        _integers = [.. signature.Inputs.Select(input => input.Type == TensorElementType.Float ? null : Integers(rows, input.Width))];
    }

    private FeatureColumns(int rows, float[]?[] floats, long[]?[] integers)
    {
        Rows = rows;
        _floats = floats;
        _integers = integers;
    }

    public int Rows { get; }

    /// <summary>The rows of several requests for the same model, one after the other.</summary>
    public static FeatureColumns Join(IReadOnlyList<FeatureColumns> parts)
    {
        int inputs = parts[0]._floats.Length;
        int rows = parts.Sum(part => part.Rows);
        var whole = new FeatureColumns(rows, new float[inputs][], new long[inputs][]);
        for (int i = 0; i < inputs; i++)
        {
            if (parts[0]._floats[i] is not null)
            {
                whole._floats[i] = Join(parts, part => part._floats[i]!);
            }
            else
            {
                whole._integers[i] = Join(parts, part => part._integers[i]!);
            }
        }

        return whole;
    }

    public void Set(int input, int row, float value) => _floats[input]![row] = value;

    /// <summary>Sets one of the numbers of a row.</summary>
    public void Set(int input, int row, int place, long value)
    {
        long[] column = _integers[input]!;
        column[(row * (column.Length / Rows)) + place] = value;
    }

    /// <summary>The columns as tensors of shape [rows, width], in the order of the inputs; whoever takes them disposes of them.</summary>
    public OrtValue[] ToTensors()
    {
        long[] shape = [Rows, 1];
        var tensors = new OrtValue[_floats.Length];
        for (int i = 0; i < tensors.Length; i++)
        {
            tensors[i] = _floats[i] is { } numbers
                ? OrtValue.CreateTensorValueFromMemory(numbers, shape)
                : OrtValue.CreateTensorValueFromMemory(_integers[i]!, [Rows, _integers[i]!.Length / Rows]);
        }

        return tensors;
    }

    private static long[] Integers(int rows, int width)
    {
        long[] column = new long[checked(rows * width)];
        if (width > 1)
        {
            Array.Fill(column, None);
        }

        return column;
    }

    private static T[] Join<T>(IReadOnlyList<FeatureColumns> parts, Func<FeatureColumns, T[]> column)
    {
        var whole = new T[parts.Sum(part => column(part).Length)];
        int next = 0;
        foreach (FeatureColumns part in parts)
        {
            column(part).CopyTo(whole, next);
            next += column(part).Length;
        }

        return whole;
    }
}
