using System.Globalization;
using System.Runtime.InteropServices;

namespace OpenEmbedding.Trainer.Export.SavedModel;

/// <summary>A graph in TensorFlow's operations, those of 1.15 and later. Single numbers are constants, other arrays variables.</summary>
/// <remarks>Source of the operations: tensorflow/core/ops/*.cc.</remarks>
internal sealed class TensorFlowNodes
{
    /// <summary>What is behind the name of a variable in that of its value.</summary>
    public const string Read = "/read";

    private readonly Dictionary<string, Tensor> _tensors = [];
    private readonly List<ProtobufMessage> _messages = [];
    private readonly List<ExportArray> _variables = [];

    public TensorFlowNodes(ComputationGraph graph)
    {
        // Columns have names that nodes may not have.
        for (int i = 0; i < graph.Inputs.Count; i++)
        {
            GraphPort input = graph.Inputs[i];
            var tensor = new Tensor(string.Create(CultureInfo.InvariantCulture, $"inputs/{i}"), TensorTypes.Of(input.Type));
            Add(new NodeMessage(tensor.Name, "Placeholder").With("dtype", tensor.Type).WithShape([-1, .. input.Row]));
            _tensors.Add(input.Name, tensor);
        }

        foreach (ExportArray array in graph.Arrays)
        {
            _tensors.Add(array.Name, array.Shape.Count == 0 ? Constant(array) : Variable(array));
        }

        foreach (GraphNode node in graph.Nodes)
        {
            _tensors.Add(node.Output, Create(node));
        }
    }

    /// <summary>The <c>NodeDef</c>s.</summary>
    public IReadOnlyList<ProtobufMessage> Messages => _messages;

    /// <summary>The variables; a node of the name of each is its handle, and one with <see cref="Read"/> behind it its value.</summary>
    public IReadOnlyList<ExportArray> Variables => _variables;

    /// <summary>The node that gives a value of the graph.</summary>
    public Tensor this[string name] => _tensors[name];

    private Tensor Create(GraphNode node)
    {
        Tensor[] inputs = [.. node.Inputs.Select(input => _tensors[input])];
        string name = node.Output;
        TensorType type = inputs[0].Type;
        return node.Operation switch
        {
            Operation.Cast => Cast(name, inputs[0], TensorTypes.Of(node.Type)),
            Operation.Concatenate => Add(
                new NodeMessage(name, "ConcatV2", [.. Names(inputs), Integers(name, "axis", [], node.Numbers[0])])
                    .With("N", inputs.Length).With("T", type).With("Tidx", TensorType.Int32),
                name,
                type),
            Operation.Add => Same("AddV2"),
            Operation.Subtract => Same("Sub"),
            Operation.Multiply => Same("Mul"),
            Operation.Remainder => Same("FloorMod"),
            Operation.Absolute => Same("Abs"),
            Operation.Sign => Same("Sign"),
            Operation.Logarithm => Same("Log"),
            Operation.Clip => Node(name, "Minimum", type, Node($"{name}/low", "Maximum", type, inputs[0], inputs[1]), inputs[2]),
            Operation.Less => Same("Less") with { Type = TensorType.Bool },
            Operation.Select => Node(name, "SelectV2", inputs[1].Type, inputs),
            Operation.Find => Find(name, inputs[0], node.Numbers),
            Operation.Rows => Rows(name, inputs[0], inputs[1]),
            Operation.MatrixProduct => Same("BatchMatMulV2"),
            Operation.Relu => Same("Relu"),
            Operation.Sigmoid => Same("Sigmoid"),
            Operation.Softmax => Same("Softmax"),
            Operation.Sum => Add(
                new NodeMessage(name, "Sum", inputs[0].Name, Integers(name, "axis", [], node.Numbers[0])).With("T", type).With("Tidx", TensorType.Int32),
                name,
                type),
            Operation.Reshape => Reshape(name, inputs[0], Longs(name, "shape", [node.Numbers.Count], [.. node.Numbers])),
            Operation.Transpose => Add(
                new NodeMessage(name, "Transpose", inputs[0].Name, Integers(name, "order", [node.Numbers.Count], [.. node.Numbers]))
                    .With("T", type).With("Tperm", TensorType.Int32),
                name,
                type),
            Operation.Slice => Slice(name, inputs[0], (int)node.Numbers[0], node.Numbers[1], node.Numbers[2]),
            _ => throw new ArgumentOutOfRangeException(nameof(node), node.Operation, "not an operation"),
        };

        Tensor Same(string op) => Node(name, op, type, inputs);
    }

    private static IEnumerable<string> Names(IEnumerable<Tensor> tensors) => tensors.Select(tensor => tensor.Name);

    private Tensor Cast(string name, Tensor input, TensorType to) =>
        Add(new NodeMessage(name, "Cast", input.Name).With("SrcT", input.Type).With("DstT", to), name, to);

    private Tensor Rows(string name, Tensor table, Tensor rows) => Add(
        new NodeMessage(name, "GatherV2", table.Name, rows.Name, Integers(name, "axis", [], 0))
            .With("Tparams", table.Type).With("Tindices", rows.Type).With("Taxis", TensorType.Int32),
        name,
        table.Type);

    private Tensor Reshape(string name, Tensor input, Tensor shape) =>
        Add(new NodeMessage(name, "Reshape", input.Name, shape.Name).With("T", input.Type).With("Tshape", shape.Type), name, input.Type);

    /// <summary>A slice of one axis: of those before it all is taken, of those behind it too.</summary>
    private Tensor Slice(string name, Tensor input, int axis, long first, long last)
    {
        long[] begin = new long[axis + 1];
        long[] end = new long[axis + 1];
        begin[axis] = first;
        end[axis] = last;
        long before = (1L << axis) - 1;
        string[] inputs =
        [
            input.Name,
            Integers(name, "begin", [axis + 1], begin),
            Integers(name, "end", [axis + 1], end),
            Integers(name, "steps", [axis + 1], [.. Enumerable.Repeat(1L, axis + 1)]),
        ];
        NodeMessage node = new NodeMessage(name, "StridedSlice", inputs).With("T", input.Type).With("Index", TensorType.Int32);
        return Add(node.With("begin_mask", before).With("end_mask", before), name, input.Type);
    }

    /// <summary>A binary search for the first key that is not below the number, and a look whether it is the number.</summary>
    private Tensor Find(string name, Tensor number, IReadOnlyList<long> sorted)
    {
        Tensor row = Longs(name, "row", [2], 1, -1);
        Tensor keys = Variable(ExportArray.OfList($"{name}/keys", sorted));
        Tensor keysRow = Reshape($"{name}/keys_row", keys, row);
        Tensor numbersRow = Reshape($"{name}/numbers_row", number, row);
        NodeMessage search = new NodeMessage($"{name}/places_row", "LowerBound", keysRow.Name, numbersRow.Name)
            .With("T", TensorType.Int64).With("out_type", TensorType.Int64);
        Tensor placesRow = Add(search, $"{name}/places_row", TensorType.Int64);
        Tensor shape = Add(
            new NodeMessage($"{name}/shape", "Shape", number.Name).With("T", number.Type).With("out_type", TensorType.Int64),
            $"{name}/shape",
            TensorType.Int64);
        Tensor places = Reshape($"{name}/places", placesRow, shape);
        Tensor last = Longs(name, "last", [], sorted.Count - 1);
        Tensor key = Rows($"{name}/key", keys, Node($"{name}/near", "Minimum", TensorType.Int64, places, last));
        Tensor there = Node($"{name}/there", "Equal", TensorType.Int64, key, number) with { Type = TensorType.Bool };
        return Node(name, "SelectV2", TensorType.Int64, there, places, Longs(name, "none", [], sorted.Count));
    }

    private Tensor Node(string name, string op, TensorType type, params IEnumerable<Tensor> inputs) =>
        Add(new NodeMessage(name, op, [.. Names(inputs)]).With("T", type), name, type);

    private Tensor Variable(ExportArray array)
    {
        TensorType type = TensorTypes.Of(array.Type);
        _variables.Add(array);
        Add(new NodeMessage(array.Name, "VarHandleOp").With("dtype", type).WithShape(array.Shape).With("shared_name", array.Name));
        string read = array.Name + Read;
        return Add(new NodeMessage(read, "ReadVariableOp", array.Name).With("dtype", type), read, type);
    }

    private Tensor Constant(ExportArray array)
    {
        using var elements = new MemoryStream();
        array.Write(elements);
        return Constant(array.Name, TensorTypes.Of(array.Type), array.Shape, elements.ToArray());
    }

    private Tensor Longs(string node, string name, IReadOnlyList<long> shape, params ReadOnlySpan<long> numbers) =>
        Constant($"{node}/{name}", TensorType.Int64, shape, MemoryMarshal.AsBytes(numbers).ToArray());

    private string Integers(string node, string name, IReadOnlyList<long> shape, params long[] numbers)
    {
        int[] integers = Array.ConvertAll(numbers, number => checked((int)number));
        return Constant($"{node}/{name}", TensorType.Int32, shape, MemoryMarshal.AsBytes(integers.AsSpan()).ToArray()).Name;
    }

    private Tensor Constant(string name, TensorType type, IReadOnlyList<long> shape, byte[] elements)
    {
        const int Content = 4;
        return Add(new NodeMessage(name, "Const").WithValue(type, shape, tensor => tensor.Binary(Content, elements)), name, type);
    }

    private Tensor Add(NodeMessage node, string name, TensorType type)
    {
        Add(node);
        return new Tensor(name, type);
    }

    private void Add(NodeMessage node) => _messages.Add(node.Message);

    /// <summary>What a node gives.</summary>
    /// <param name="Name">The name of the node.</param>
    /// <param name="Type">The type of the elements.</param>
    public readonly record struct Tensor(string Name, TensorType Type);
}
