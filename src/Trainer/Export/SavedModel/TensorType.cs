using OpenEmbedding.Collectives;

namespace OpenEmbedding.Trainer.Export.SavedModel;

/// <summary>The types that TensorFlow has for elements, with its numbers.</summary>
/// <remarks>Source: tensorflow/core/framework/types.proto.</remarks>
internal enum TensorType
{
    Float32 = 1,
    Float64 = 2,
    Int32 = 3,
    Text = 7,
    Int64 = 9,
    Bool = 10,
}

/// <summary>Types and shapes as TensorFlow's messages have them.</summary>
internal static class TensorTypes
{
    /// <summary>TensorFlow's name for a type of arrays.</summary>
    public static TensorType Of(ElementType type) => type switch
    {
        ElementType.Float32 => TensorType.Float32,
        ElementType.Float64 => TensorType.Float64,
        ElementType.Int64 => TensorType.Int64,
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, "not a type of exported arrays"),
    };

    /// <summary>A <c>TensorShapeProto</c>; −1 is a dimension of any length.</summary>
    public static ProtobufMessage Shape(params IReadOnlyList<long> dimensions)
    {
        var shape = new ProtobufMessage();
        foreach (long dimension in dimensions)
        {
            shape.Message(2, new ProtobufMessage().Integer(1, dimension));
        }

        return shape;
    }
}
