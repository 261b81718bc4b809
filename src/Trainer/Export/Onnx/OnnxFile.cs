using OpenEmbedding.Collectives;
using OpenEmbedding.Trainer.Training;

namespace OpenEmbedding.Trainer.Export.Onnx;

/// <summary>Writes a graph as an ONNX model: <c>model.onnx</c>, and the large constants to a file beside it where protobuf's limit of 2 GB is near.</summary>
/// <remarks>
/// The bytes go out in their order, and those of an array when its turn comes, so that nothing large lies in memory. Source of the field numbers:
/// onnx/onnx.proto.
/// </remarks>
internal sealed class OnnxFile
{
    public const string FileName = "model.onnx";
    public const string DataFileName = "model.onnx.data";

    /// <summary>Constants of more bytes in all go to a file of their own.</summary>
    public const long LargestInside = 1_500_000_000;

    /// <summary>
    /// A longer list of keys is an array that is searched: encoders hold it in hash tables several times its size, and it would lie in memory while it is
    /// written.
    /// </summary>
    public const int MostEncodedKeys = 1 << 20;

    private const int IrVersion = 7;
    private const long SmallestOutside = 1024;

    // Readers map the file into memory by pages.
    private const long PageBytes = 4096;
    private readonly ComputationGraph _graph;
    private readonly bool _outside;
    private readonly List<ProtobufMessage> _nodes;
    private readonly ExportArray[] _arrays;
    private readonly long[] _offsets;

    public OnnxFile(ComputationGraph graph, long largestInside = LargestInside, int mostEncodedKeys = MostEncodedKeys)
    {
        _graph = graph;
        var nodes = new OnnxNodes(mostEncodedKeys);
        _nodes = [.. graph.Nodes.SelectMany(nodes.Create)];
        _arrays = [.. graph.Arrays, .. nodes.Arrays];
        _outside = _arrays.Sum(array => array.Bytes) > largestInside;
        _offsets = new long[_arrays.Length];
        long end = 0;
        for (int i = 0; i < _arrays.Length; i++)
        {
            if (IsOutside(_arrays[i]))
            {
                _offsets[i] = (end + PageBytes - 1) / PageBytes * PageBytes;
                end = _offsets[i] + _arrays[i].Bytes;
            }
        }
    }

    /// <summary>Writes the file or both.</summary>
    public void Write(ExportFolder folder, string name = FileName)
    {
        if (_outside)
        {
            folder.Write(DataFileName, WriteData);
        }

        folder.Write(name, WriteModel);
    }

    private static ProtobufMessage Opset(string domain, int version) => new ProtobufMessage().Text(1, domain).Integer(2, version);

    private static ProtobufMessage Port(GraphPort port)
    {
        ProtobufMessage shape = new ProtobufMessage().Message(1, new ProtobufMessage().Text(2, "n"));
        foreach (long dimension in port.Row)
        {
            shape.Message(1, new ProtobufMessage().Integer(1, dimension));
        }

        ProtobufMessage tensor = new ProtobufMessage().Integer(1, OnnxNodes.TypeOf(port.Type)).Message(2, shape);
        return new ProtobufMessage().Text(1, port.Name).Message(2, new ProtobufMessage().Message(1, tensor));
    }

    private static ProtobufMessage Entry(string key, string value) => new ProtobufMessage().Text(1, key).Text(2, value);

    private static ProtobufMessage Entry(string key, long value) =>
        Entry(key, value.ToString(System.Globalization.CultureInfo.InvariantCulture));

    private bool IsOutside(ExportArray array) => _outside && array.Bytes >= SmallestOutside;

    private void WriteData(Stream stream)
    {
        long end = 0;
        for (int i = 0; i < _arrays.Length; i++)
        {
            if (IsOutside(_arrays[i]))
            {
                stream.Write(new byte[_offsets[i] - end]);
                _arrays[i].Write(stream);
                end = _offsets[i] + _arrays[i].Bytes;
            }
        }
    }

    private void WriteModel(Stream stream)
    {
        ProtobufMessage nodes = new ProtobufMessage().Text(2, _graph.Outputs[0].Name);
        _nodes.ForEach(node => nodes.Message(1, node));
        var ports = new ProtobufMessage();
        foreach (GraphPort input in _graph.Inputs)
        {
            ports.Message(11, Port(input));
        }

        foreach (GraphPort output in _graph.Outputs)
        {
            ports.Message(12, Port(output));
        }

        ProtobufMessage[] tensors = [.. _arrays.Select(Tensor)];
        long graphBytes = nodes.Bytes.Length + ports.Bytes.Length + tensors.Zip(_arrays, (tensor, array) => tensor.Bytes.Length + Inside(array)).Sum();
        if (graphBytes > int.MaxValue)
        {
            throw new OpenEmbeddingException(
                $"{FileName} would have {graphBytes} bytes; allowed are {int.MaxValue}, the most of a protobuf file", JobExitCode.Failure);
        }

        ProtobufMessage model = new ProtobufMessage()
            .Integer(1, IrVersion)
            .Text(2, "oe-train")
            .Text(3, StartupCheck.ProgramVersion)
            .Message(8, Opset("", OnnxNodes.Opset))
            .Message(8, Opset(OnnxNodes.MachineLearningDomain, OnnxNodes.MachineLearningOpset))
            .Begin(7, graphBytes);
        stream.Write(model.Bytes);
        stream.Write(nodes.Bytes);
        for (int i = 0; i < _arrays.Length; i++)
        {
            stream.Write(tensors[i].Bytes);
            if (!IsOutside(_arrays[i]))
            {
                _arrays[i].Write(stream);
            }
        }

        stream.Write(ports.Bytes);
    }

    private long Inside(ExportArray array) => IsOutside(array) ? 0 : array.Bytes;

    /// <summary>The field of a constant in the graph up to its elements, which end it if they are inside.</summary>
    private ProtobufMessage Tensor(ExportArray array, int index)
    {
        const int External = 1;
        var tensor = new ProtobufMessage();
        foreach (long dimension in array.Shape)
        {
            tensor.Integer(1, dimension);
        }

        tensor.Integer(2, OnnxNodes.TypeOf(array.Type)).Text(8, array.Name);
        if (IsOutside(array))
        {
            tensor
                .Message(13, Entry("location", DataFileName))
                .Message(13, Entry("offset", _offsets[index]))
                .Message(13, Entry("length", array.Bytes))
                .Integer(14, External);
            return new ProtobufMessage().Message(5, tensor);
        }

        tensor.Begin(9, array.Bytes);
        ProtobufMessage field = new ProtobufMessage().Begin(5, tensor.Bytes.Length + array.Bytes);
        return field.Append(tensor);
    }
}
