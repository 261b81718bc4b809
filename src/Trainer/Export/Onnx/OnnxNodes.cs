using OpenEmbedding.Collectives;

namespace OpenEmbedding.Trainer.Export.Onnx;

/// <summary>Operations as ONNX has them: those of <c>ai.onnx</c> 13 and <c>ai.onnx.ml</c> 2.</summary>
/// <param name="mostEncodedKeys">A longer list to find numbers in is an array in place of an attribute.</param>
/// <remarks>Source of the field numbers: onnx/onnx.proto. Source of the operators: https://onnx.ai/onnx/operators/.</remarks>
internal sealed partial class OnnxNodes(int mostEncodedKeys)
{
    public const int Opset = 13;
    public const int MachineLearningOpset = 2;
    public const string MachineLearningDomain = "ai.onnx.ml";
    private readonly List<ExportArray> _arrays = [];

    /// <summary>Constants that the nodes take where <see cref="GraphNode.Numbers"/> are no attributes.</summary>
    public IReadOnlyList<ExportArray> Arrays => _arrays;

    /// <summary>The number that ONNX has for a type.</summary>
    public static int TypeOf(ElementType type) => type switch
    {
        ElementType.Float32 => 1,
        ElementType.Int64 => 7,
        ElementType.Float64 => 11,
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, "not a type of exported arrays"),
    };

    /// <summary>Makes the <c>NodeProto</c>s of an operation, each behind those that it takes from.</summary>
    public IReadOnlyList<ProtobufMessage> Create(GraphNode node) =>
        node.Operation == Operation.Find && node.Numbers.Count > mostEncodedKeys ? Search(node) : [CreateOne(node)];

    private ProtobufMessage CreateOne(GraphNode node) => node.Operation switch
    {
        Operation.Cast => Node("Cast", node, Attribute("to", TypeOf(node.Type))),
        Operation.Concatenate => Node("Concat", node, Attribute("axis", node.Numbers[0])),
        Operation.Add => Node("Add", node),
        Operation.Subtract => Node("Sub", node),
        Operation.Multiply => Node("Mul", node),
        Operation.Remainder => Node("Mod", node),
        Operation.Absolute => Node("Abs", node),
        Operation.Sign => Node("Sign", node),
        Operation.Logarithm => Node("Log", node),
        Operation.Clip => Node("Clip", node),
        Operation.Less => Node("Less", node),
        Operation.Select => Node("Where", node),
        Operation.Find => Encode(node),
        Operation.Rows => Node("Gather", node, Attribute("axis", 0)),
        Operation.MatrixProduct => Node("MatMul", node),
        Operation.Relu => Node("Relu", node),
        Operation.Sigmoid => Node("Sigmoid", node),
        Operation.Softmax => Node("Softmax", node, Attribute("axis", -1)),
        Operation.Sum => Node("ReduceSum", With(node, ("axes", [node.Numbers[0]])), Attribute("keepdims", 0)),
        Operation.Reshape => Node("Reshape", With(node, ("shape", [.. node.Numbers]))),
        Operation.Transpose => Node("Transpose", node, Attribute("perm", node.Numbers)),
        Operation.Slice => Node("Slice", With(node, ("starts", [node.Numbers[1]]), ("ends", [node.Numbers[2]]), ("axes", [node.Numbers[0]]))),
        _ => throw new ArgumentOutOfRangeException(nameof(node), node.Operation, "not an operation"),
    };

    private static ProtobufMessage Encode(GraphNode node)
    {
        int count = node.Numbers.Count;
        ProtobufMessage message = Node(
            "LabelEncoder",
            node,
            Attribute("keys_int64s", node.Numbers),
            Attribute("values_int64s", [.. Enumerable.Range(0, count).Select(place => (long)place)]),
            Attribute("default_int64", count));
        return message.Text(7, MachineLearningDomain);
    }

    private static ProtobufMessage Node(string type, GraphNode node, params ReadOnlySpan<ProtobufMessage> attributes) =>
        Node(type, node.Output, node.Inputs, attributes);

    private static ProtobufMessage Node(string type, string output, IReadOnlyList<string> inputs, params ReadOnlySpan<ProtobufMessage> attributes)
    {
        var message = new ProtobufMessage();
        foreach (string input in inputs)
        {
            message.Text(1, input);
        }

        message.Text(2, output).Text(3, output).Text(4, type);
        foreach (ProtobufMessage attribute in attributes)
        {
            message.Message(5, attribute);
        }

        return message;
    }

    private static ProtobufMessage Attribute(string name, long value)
    {
        const int Integer = 2;
        return new ProtobufMessage().Text(1, name).Integer(3, value).Integer(20, Integer);
    }

    private static ProtobufMessage Attribute(string name, IReadOnlyList<long> values)
    {
        const int Integers = 7;
        ProtobufMessage message = new ProtobufMessage().Text(1, name);
        foreach (long value in values)
        {
            message.Integer(8, value);
        }

        return message.Integer(20, Integers);
    }

    /// <summary>The node with constants as further inputs.</summary>
    private GraphNode With(GraphNode node, params ReadOnlySpan<(string Name, long[] Numbers)> constants)
    {
        var inputs = new List<string>(node.Inputs);
        foreach ((string name, long[] numbers) in constants)
        {
            inputs.Add(Constant(node, name, ExportArray.Of<long>("", [numbers.Length], numbers)));
        }

        return node with { Inputs = inputs };
    }

    private string Constant(GraphNode node, string name, long number) => Constant(node, name, ExportArray.Of<long>("", [], [number]));

    private string Constant(GraphNode node, string name, ExportArray array)
    {
        string full = $"{node.Output}/{name}";
        _arrays.Add(array with { Name = full });
        return full;
    }
}
