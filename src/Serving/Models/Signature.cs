using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;
using OpenEmbedding.Collectives;

namespace OpenEmbedding.Serving.Models;

/// <summary>An input or output of a model: numbers for each row, a column of shape [rows, width].</summary>
/// <param name="Name">The feature's name.</param>
/// <param name="Type">Float or Int64.</param>
/// <param name="Width">Numbers of a row; only int64 inputs may have several, of which a row may have fewer.</param>
internal sealed record Port(string Name, TensorElementType Type, int Width)
{
    /// <summary>The type's name in errors.</summary>
    public string TypeName => Type == TensorElementType.Float ? "float" : "int64";

    /// <summary>The type's name in TensorFlow's metadata.</summary>
    public string TensorFlowType => Type == TensorElementType.Float ? "DT_FLOAT" : "DT_INT64";
}

/// <summary>The named inputs and the output of a model.</summary>
internal sealed class Signature
{
    /// <summary>The name that TensorFlow gives a model's only signature.</summary>
    public const string Name = "serving_default";

    private readonly Dictionary<string, int>.AlternateLookup<ReadOnlySpan<char>> _places;

    /// <summary>Reads it from an opened model.</summary>
    /// <exception cref="OpenEmbeddingException">The model has other inputs and outputs than an exported one.</exception>
    public Signature(InferenceSession session)
        : this(session.InputMetadata, session.OutputMetadata)
    {
    }

    /// <summary>Reads it from the inputs and outputs of an opened model, or of several together.</summary>
    /// <exception cref="OpenEmbeddingException">They are others than those of an exported model.</exception>
    public Signature(IEnumerable<KeyValuePair<string, NodeMetadata>> inputPorts, IEnumerable<KeyValuePair<string, NodeMetadata>> outputPorts)
    {
        Inputs = [.. inputPorts.Select(ReadPort)];
        Port[] outputs = [.. outputPorts.Select(ReadPort)];
        Output = outputs is [{ Type: TensorElementType.Float } only]
            ? only
            : throw new OpenEmbeddingException($"the model has {outputs.Length} outputs; one of type float is allowed");
        InputNames = [.. Inputs.Select(input => input.Name)];
        _places = Inputs.Select((input, place) => (input.Name, place)).ToDictionary(pair => pair.Name, pair => pair.place).GetAlternateLookup<ReadOnlySpan<char>>();
    }

    public IReadOnlyList<Port> Inputs { get; }

    public IReadOnlyList<string> InputNames { get; }

    public Port Output { get; }

    /// <summary>The place of an input among <see cref="Inputs"/>, or −1.</summary>
    public int PlaceOf(ReadOnlySpan<char> name) => _places.TryGetValue(name, out int place) ? place : -1;

    private static Port ReadPort(KeyValuePair<string, NodeMetadata> port)
    {
        bool isColumn = port.Value.IsTensor && port.Value.ElementDataType switch
        {
            TensorElementType.Float => port.Value.Dimensions is [_, 1],
            TensorElementType.Int64 => port.Value.Dimensions is [_, > 0],
            _ => false,
        };
        return isColumn
            ? new Port(port.Key, port.Value.ElementDataType, port.Value.Dimensions[1])
            : throw new OpenEmbeddingException($"\"{port.Key}\" of the model is not float of shape [n, 1] or int64 of shape [n, width]");
    }
}
