using OpenEmbedding.Collectives;
using TorchSharp.Modules;

namespace OpenEmbedding.Trainer.Export;

/// <summary>
/// The way from the columns of the data to the probability, as a list of operations on arrays. The parts of the trainer that compute it say here what
/// they compute; formats of exported models are written from it.
/// </summary>
/// <param name="type">The type in which the model computes, <see cref="ElementType.Float32"/> or <see cref="ElementType.Float64"/>.</param>
internal sealed class ComputationGraph(ElementType type)
{
    private readonly HashSet<string> _names = [];
    private readonly List<GraphPort> _inputs = [];
    private readonly List<GraphPort> _outputs = [];
    private readonly List<GraphNode> _nodes = [];
    private readonly List<ExportArray> _arrays = [];

    /// <summary>The type in which the model computes.</summary>
    public ElementType Type => type;

    /// <summary>What is fed, in the order of the columns.</summary>
    public IReadOnlyList<GraphPort> Inputs => _inputs;

    /// <summary>What comes out.</summary>
    public IReadOnlyList<GraphPort> Outputs => _outputs;

    /// <summary>The operations, each behind those that it takes from.</summary>
    public IReadOnlyList<GraphNode> Nodes => _nodes;

    /// <summary>The constants.</summary>
    public IReadOnlyList<ExportArray> Arrays => _arrays;

    /// <summary>Adds an input, [n, 1] where <paramref name="row"/> is left out. Inputs come before all else, so that only one whose name another input has gets a number added to it.</summary>
    public GraphValue Input(string name, ElementType elementType, IReadOnlyList<long>? row = null)
    {
        var input = new GraphPort(Unique(name), elementType, row ?? [1]);
        _inputs.Add(input);
        return new GraphValue(input.Name);
    }

    /// <summary>Gives a value out, [n, 1] where <paramref name="row"/> is left out, cast to a type, under a name that has a number added where it is taken.</summary>
    public void Output(string name, GraphValue value, ElementType elementType, IReadOnlyList<long>? row = null)
    {
        GraphValue output = Node(name, Operation.Cast, [value], [], elementType);
        _outputs.Add(new GraphPort(output.Name, elementType, row ?? [1]));
    }

    /// <summary>Adds a constant under a name that has a number added where it is taken.</summary>
    public GraphValue Array(ExportArray array)
    {
        string name = Unique(array.Name);
        _arrays.Add(array with { Name = name });
        return new GraphValue(name);
    }

    /// <summary>A dense parameter of the model.</summary>
    public GraphValue Weight(string name, Parameter parameter) => Array(ExportArray.Of(name, parameter));

    /// <summary>A few integers, [numbers].</summary>
    public GraphValue Integers(string name, params ReadOnlySpan<long> numbers) => Array(ExportArray.Of(name, [numbers.Length], numbers));

    /// <summary>A few numbers in float64, [numbers].</summary>
    public GraphValue Doubles(string name, params ReadOnlySpan<double> numbers) => Array(ExportArray.Of(name, [numbers.Length], numbers));

    /// <summary>A number in float64, [].</summary>
    public GraphValue Double(string name, double number) => Array(ExportArray.Of<double>(name, [], [number]));

    /// <summary>A number of <see cref="Type"/>, [].</summary>
    public GraphValue Number(string name, double number) => Array(
        type == ElementType.Float64 ? ExportArray.Of<double>(name, [], [number]) : ExportArray.Of<float>(name, [], [(float)number]));

    public GraphValue Cast(GraphValue a, ElementType to) => Node("cast", Operation.Cast, [a], [], to);

    public GraphValue Concatenate(int axis, IReadOnlyList<GraphValue> parts) =>
        parts.Count == 1 ? parts[0] : Node("concatenate", Operation.Concatenate, parts, [axis]);

    public GraphValue Add(GraphValue a, GraphValue b) => Node("add", Operation.Add, [a, b]);

    public GraphValue Subtract(GraphValue a, GraphValue b) => Node("subtract", Operation.Subtract, [a, b]);

    public GraphValue Multiply(GraphValue a, GraphValue b) => Node("multiply", Operation.Multiply, [a, b]);

    public GraphValue Remainder(GraphValue a, GraphValue b) => Node("remainder", Operation.Remainder, [a, b]);

    public GraphValue Absolute(GraphValue a) => Node("absolute", Operation.Absolute, [a]);

    public GraphValue Sign(GraphValue a) => Node("sign", Operation.Sign, [a]);

    public GraphValue Logarithm(GraphValue a) => Node("logarithm", Operation.Logarithm, [a]);

    public GraphValue Clip(GraphValue a, GraphValue low, GraphValue high) => Node("clip", Operation.Clip, [a, low, high]);

    public GraphValue Less(GraphValue a, GraphValue b) => Node("less", Operation.Less, [a, b]);

    public GraphValue Select(GraphValue condition, GraphValue a, GraphValue b) => Node("select", Operation.Select, [condition, a, b]);

    public GraphValue Find(GraphValue a, IReadOnlyList<long> sorted) => Node("find", Operation.Find, [a], sorted);

    public GraphValue Rows(GraphValue table, GraphValue rows) => Node("rows", Operation.Rows, [table, rows]);

    public GraphValue MatrixProduct(GraphValue a, GraphValue b) => Node("product", Operation.MatrixProduct, [a, b]);

    public GraphValue Relu(GraphValue a) => Node("relu", Operation.Relu, [a]);

    public GraphValue Sigmoid(GraphValue a) => Node("sigmoid", Operation.Sigmoid, [a]);

    public GraphValue Softmax(GraphValue a) => Node("softmax", Operation.Softmax, [a]);

    public GraphValue Sum(GraphValue a, int axis) => Node("sum", Operation.Sum, [a], [axis]);

    public GraphValue Reshape(GraphValue a, params IReadOnlyList<long> shape) => Node("reshape", Operation.Reshape, [a], shape);

    public GraphValue Transpose(GraphValue a, params IReadOnlyList<long> order) => Node("transpose", Operation.Transpose, [a], order);

    public GraphValue Slice(GraphValue a, int axis, long first, long last) => Node("slice", Operation.Slice, [a], [axis, first, last]);

    private GraphValue Node(
        string name, Operation operation, IReadOnlyList<GraphValue> inputs, IReadOnlyList<long>? numbers = null, ElementType to = default)
    {
        string output = Unique(name);
        _nodes.Add(new GraphNode(operation, output, [.. inputs.Select(input => input.Name)], numbers ?? [], to));
        return new GraphValue(output);
    }

    // Below a name and a slash, writers of formats have names of their own.
    private string Unique(string name)
    {
        string unique = name;
        for (int number = 1; _names.Contains(unique) || _inputs.Exists(input => input.Name.StartsWith(unique + "/", StringComparison.Ordinal)); number++)
        {
            unique = $"{name}_{number}";
        }

        _names.Add(unique);
        return unique;
    }
}
