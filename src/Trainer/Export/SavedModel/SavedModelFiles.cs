namespace OpenEmbedding.Trainer.Export.SavedModel;

/// <summary>Writes a graph as a SavedModel of TensorFlow, which TensorFlow Serving loads: the graph in one file, variables in two.</summary>
/// <remarks>Source of the field numbers: tensorflow/core/protobuf/saved_model.proto, meta_graph.proto, tensorflow/core/framework/graph.proto.</remarks>
internal sealed class SavedModelFiles(ComputationGraph graph)
{
    public const string FileName = "saved_model.pb";
    private const int SchemaVersion = 1;

    // That of TensorFlow 1.15, the first with all the operations.
    private const int GraphVersion = 134;

    /// <summary>Writes the files. A graph without an array of its own cannot be written: there has to be a variable.</summary>
    public void Write(ExportFolder folder)
    {
        var nodes = new TensorFlowNodes(graph);
        new TensorBundle(nodes.Variables).Write(folder);
        folder.Write(FileName, stream => stream.Write(Model(nodes).Bytes));
    }

    private static ProtobufMessage Port(GraphPort port, TensorFlowNodes nodes)
    {
        TensorFlowNodes.Tensor tensor = nodes[port.Name];
        ProtobufMessage info = new ProtobufMessage()
            .Text(1, $"{tensor.Name}:0").Integer(2, (long)tensor.Type).Message(3, TensorTypes.Shape([-1, .. port.Row]));
        return new ProtobufMessage().Text(1, port.Name).Message(2, info);
    }

    private ProtobufMessage Model(TensorFlowNodes nodes)
    {
        var definition = new ProtobufMessage();
        foreach (ProtobufMessage node in nodes.Messages.Concat(new RestoreNodes(nodes.Variables).Messages))
        {
            definition.Message(1, node);
        }

        definition.Message(4, new ProtobufMessage().Integer(1, GraphVersion));
        ProtobufMessage facts = new ProtobufMessage().Text(4, "serve").Text(5, "1.15.0").Integer(7, 1);
        ProtobufMessage metaGraph = new ProtobufMessage()
            .Message(1, facts)
            .Message(2, definition)
            .Message(3, RestoreNodes.Saver())
            .Message(5, new ProtobufMessage().Text(1, "serving_default").Message(2, Signature(nodes)));
        return new ProtobufMessage().Integer(1, SchemaVersion).Message(2, metaGraph);
    }

    private ProtobufMessage Signature(TensorFlowNodes nodes)
    {
        var signature = new ProtobufMessage();
        foreach (GraphPort input in graph.Inputs)
        {
            signature.Message(1, Port(input, nodes));
        }

        foreach (GraphPort output in graph.Outputs)
        {
            signature.Message(2, Port(output, nodes));
        }

        return signature.Text(3, "tensorflow/serving/predict");
    }
}
