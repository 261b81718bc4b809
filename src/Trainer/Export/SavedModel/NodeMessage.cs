namespace OpenEmbedding.Trainer.Export.SavedModel;

/// <summary>A <c>NodeDef</c> that grows attribute by attribute.</summary>
/// <remarks>Source of the field numbers: tensorflow/core/framework/node_def.proto, attr_value.proto and tensor.proto.</remarks>
internal sealed class NodeMessage
{
    private readonly ProtobufMessage _message;

    /// <param name="name">Its name, which is also that of its first output.</param>
    /// <param name="op">TensorFlow's name of the operation.</param>
    /// <param name="inputs">What it takes; behind a ^, a node that has to run before.</param>
    public NodeMessage(string name, string op, params IReadOnlyList<string> inputs)
    {
        _message = new ProtobufMessage().Text(1, name).Text(2, op);
        foreach (string input in inputs)
        {
            _message.Text(3, input);
        }
    }

    /// <summary>The message so far.</summary>
    public ProtobufMessage Message => _message;

    public NodeMessage With(string attribute, TensorType type) => Add(attribute, new ProtobufMessage().Integer(6, (long)type));

    public NodeMessage With(string attribute, long number) => Add(attribute, new ProtobufMessage().Integer(3, number));

    public NodeMessage With(string attribute, string text) => Add(attribute, new ProtobufMessage().Text(2, text));

    /// <summary>Adds a list of types.</summary>
    public NodeMessage With(string attribute, IEnumerable<TensorType> types)
    {
        var list = new ProtobufMessage();
        foreach (TensorType type in types)
        {
            list.Integer(6, (long)type);
        }

        return Add(attribute, new ProtobufMessage().Message(1, list));
    }

    /// <summary>Adds a shape; −1 is a dimension of any length.</summary>
    public NodeMessage WithShape(params IReadOnlyList<long> shape) => Add("shape", new ProtobufMessage().Message(7, TensorTypes.Shape(shape)));

    /// <summary>Adds the type and value of a constant.</summary>
    /// <param name="type">The type.</param>
    /// <param name="shape">The shape.</param>
    /// <param name="value">The elements: bytes, or texts.</param>
    public NodeMessage WithValue(TensorType type, IReadOnlyList<long> shape, Action<ProtobufMessage> value)
    {
        ProtobufMessage tensor = new ProtobufMessage().Integer(1, (long)type).Message(2, TensorTypes.Shape(shape));
        value(tensor);
        return With("dtype", type).Add("value", new ProtobufMessage().Message(8, tensor));
    }

    private NodeMessage Add(string attribute, ProtobufMessage value)
    {
        _message.Message(5, new ProtobufMessage().Text(1, attribute).Message(2, value));
        return this;
    }
}
