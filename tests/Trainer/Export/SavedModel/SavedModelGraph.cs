using OpenEmbedding.Trainer.Export;
using OpenEmbedding.Trainer.Export.SavedModel;
using OpenEmbedding.Trainer.Tests.Data;

namespace OpenEmbedding.Trainer.Tests.Export.SavedModel;

/// <summary>A graph as a SavedModel, computed node by node as TensorFlow's documentation tells.</summary>
internal sealed class SavedModelGraph : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly ProtobufFields _metaGraph;
    private readonly Dictionary<string, ProtobufFields> _nodes;
    private readonly Dictionary<string, NumberArray> _values = [];

    public SavedModelGraph(ComputationGraph graph)
    {
        var export = new ExportFolder(Path.Combine(_folder.Path, "1"));
        new SavedModelFiles(graph).Write(export);
        export.Commit();
        Files = [.. export.Files.Select(file => file.Name)];
        Variables = VariableFiles.Read(export.Target);
        var model = new ProtobufFields(File.ReadAllBytes(Path.Combine(export.Target, "saved_model.pb")));
        Assert.Equal(1, model.Number(1));
        _metaGraph = Assert.Single(model.Messages(2));
        Assert.Equal(["serve"], _metaGraph.Message(1).Texts(4));
        _nodes = _metaGraph.Message(2).Messages(1).ToDictionary(node => node.Text(1));
        KeyValuePair<string, ProtobufFields> signature = Assert.Single(_metaGraph.Map(5));
        Assert.Equal("serving_default", signature.Key);
        Signature = signature.Value;
    }

    public IReadOnlyList<string> Files { get; }

    /// <summary>What the files of variables hold.</summary>
    public IReadOnlyDictionary<string, (long Type, int[] Shape, byte[] Bytes)> Variables { get; }

    public ProtobufFields Signature { get; }

    public IReadOnlyDictionary<string, ProtobufFields> Nodes => _nodes;

    public ProtobufFields Saver => _metaGraph.Message(3);

    /// <summary>Computes all outputs, one behind the other.</summary>
    /// <param name="columns">The inputs by the names of the signature.</param>
    public double[] Run(IReadOnlyDictionary<string, Array> columns)
    {
        _values.Clear();
        foreach ((string name, ProtobufFields info) in Signature.Map(1))
        {
            Array column = columns[name];
            Assert.Equal([-1, 1], info.Message(3).Shape());
            Assert.Equal(column is float[], info.Number(2) == 1);
            string node = NodeOf(info.Text(1));
            Assert.Equal("Placeholder", _nodes[node].Text(2));
            Assert.Equal(info.Number(2), _nodes[node].Map(5)["dtype"].Number(6));
            double[]? numbers = (column as float[])?.Select(number => (double)number).ToArray();
            _values.Add(node, new NumberArray([column.Length, 1], numbers, column as long[]) { Type = info.Number(2) });
        }

        Restore();
        return [.. Signature.Map(2).Values.SelectMany(Output)];
    }

    public void Dispose() => _folder.Dispose();

    private static string NodeOf(string tensor) => tensor.EndsWith(":0", StringComparison.Ordinal) ? tensor[..^2] : throw new InvalidDataException(tensor);

    private IEnumerable<double> Output(ProtobufFields info)
    {
        NumberArray value = Value(NodeOf(info.Text(1)));
        return value.Numbers ?? [.. value.Integers!.Select(number => (double)number)];
    }

    /// <summary>Does what the restoring node says: variables have no value but through it.</summary>
    private void Restore()
    {
        Assert.Equal("save/Const:0", Saver.Text(1));
        Assert.Equal("PlaceholderWithDefault", _nodes["save/Const"].Text(2));
        ProtobufFields all = _nodes[Saver.Text(3)];
        Assert.Equal("NoOp", all.Text(2));
        foreach (string control in all.Texts(3))
        {
            Assert.StartsWith("^", control, StringComparison.Ordinal);
            ProtobufFields assign = _nodes[control[1..]];
            Assert.Equal("AssignVariableOp", assign.Text(2));
            string[] from = assign.Texts(3)[1].Split(':');
            ProtobufFields restore = _nodes[from[0]];
            Assert.Equal(("RestoreV2", "save/Const"), (restore.Text(2), restore.Texts(3)[0]));
            int place = int.Parse(from[1], System.Globalization.CultureInfo.InvariantCulture);
            string name = _nodes[restore.Texts(3)[1]].Map(5)["value"].Message(8).Texts(8)[place];
            (long type, int[] shape, byte[] bytes) = Variables[name];
            ProtobufFields handle = _nodes[assign.Texts(3)[0]];
            Assert.Equal("VarHandleOp", handle.Text(2));
            Assert.Equal(shape, handle.Map(5)["shape"].Message(7).Shape());
            Assert.All(
                [handle.Map(5)["dtype"].Number(6), assign.Map(5)["dtype"].Number(6), restore.Map(5)["dtypes"].Message(1).Numbers(6)[place]],
                one => Assert.Equal(type, one));
            _values.Add(handle.Text(1), NumberArray.Of(type, shape, bytes));
        }

        Assert.Equal(Variables.Count, all.Texts(3).Length);
    }

    private NumberArray Value(string name)
    {
        if (!_values.TryGetValue(name, out NumberArray? value))
        {
            ProtobufFields node = _nodes[name];
            value = NodeEvaluator.Evaluate(node.Text(2), node.Map(5), [.. node.Texts(3).Select(Value)]);
            _values.Add(name, value);
        }

        return value;
    }
}
