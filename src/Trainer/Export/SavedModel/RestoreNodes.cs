using System.Globalization;

namespace OpenEmbedding.Trainer.Export.SavedModel;

/// <summary>
/// The nodes that read the variables from their files, and those that write them, which TensorFlow wants in a saver though servers write none.
/// </summary>
/// <remarks>Source of the field numbers: tensorflow/core/protobuf/saver.proto.</remarks>
internal sealed class RestoreNodes
{
    private const string Prefix = "save/Const";
    private const string Restore = "save/restore_all";
    private const string Save = "save/control_dependency";
    private readonly List<ProtobufMessage> _messages = [];

    public RestoreNodes(IReadOnlyList<ExportArray> variables)
    {
        TensorType[] types = [.. variables.Select(variable => TensorTypes.Of(variable.Type))];
        Texts("save/filename", [], ["model"]);
        Add(new NodeMessage(Prefix, "PlaceholderWithDefault", "save/filename").With("dtype", TensorType.Text).WithShape());
        Texts("save/names", [variables.Count], variables.Select(variable => variable.Name));
        Texts("save/slices", [variables.Count], variables.Select(_ => ""));
        Add(new NodeMessage("save/RestoreV2", "RestoreV2", Prefix, "save/names", "save/slices").With("dtypes", types));
        var assigned = new List<string>();
        for (int i = 0; i < variables.Count; i++)
        {
            string name = string.Create(CultureInfo.InvariantCulture, $"save/Assign_{i}");
            string value = string.Create(CultureInfo.InvariantCulture, $"save/RestoreV2:{i}");
            Add(new NodeMessage(name, "AssignVariableOp", variables[i].Name, value).With("dtype", types[i]));
            assigned.Add($"^{name}");
        }

        Add(new NodeMessage(Restore, "NoOp", assigned));
        string[] values = [.. variables.Select(variable => variable.Name + TensorFlowNodes.Read)];
        Add(new NodeMessage("save/SaveV2", "SaveV2", [Prefix, "save/names", "save/slices", .. values]).With("dtypes", types));
        Add(new NodeMessage(Save, "Identity", Prefix, "^save/SaveV2").With("T", TensorType.Text));
    }

    /// <summary>The <c>NodeDef</c>s.</summary>
    public IReadOnlyList<ProtobufMessage> Messages => _messages;

    /// <summary>The <c>SaverDef</c>, which names them.</summary>
    public static ProtobufMessage Saver()
    {
        const int FormatVersion = 2;
        return new ProtobufMessage().Text(1, $"{Prefix}:0").Text(2, $"{Save}:0").Text(3, Restore).Integer(7, FormatVersion);
    }

    private void Texts(string name, IReadOnlyList<long> shape, IEnumerable<string> texts)
    {
        const int TextValue = 8;
        Add(new NodeMessage(name, "Const").WithValue(TensorType.Text, shape, tensor =>
        {
            foreach (string text in texts)
            {
                tensor.Text(TextValue, text);
            }
        }));
    }

    private void Add(NodeMessage node) => _messages.Add(node.Message);
}
