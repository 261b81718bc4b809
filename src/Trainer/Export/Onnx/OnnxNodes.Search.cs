using System.Numerics;

namespace OpenEmbedding.Trainer.Export.Onnx;

/// <content>Finding numbers in a long sorted list.</content>
internal sealed partial class OnnxNodes
{
    /// <summary>
    /// A binary search of all numbers at once. The place starts at 0 and, from the largest power of two down, goes on by each as long as the key there is
    /// not above the number; a step beyond the end goes to the last key.
    /// </summary>
    private List<ProtobufMessage> Search(GraphNode node)
    {
        long count = node.Numbers.Count;
        string number = node.Inputs[0];
        string keys = Constant(node, "keys", ExportArray.OfList("", node.Numbers));
        string last = Constant(node, "last", count - 1);
        string place = $"{node.Output}/start";
        var messages = new List<ProtobufMessage> { Node("Mul", place, [number, Constant(node, "zero", 0)]) };
        for (long step = count > 1 ? 1L << BitOperations.Log2((ulong)count - 1) : 0; step > 0; step /= 2)
        {
            string prefix = $"{node.Output}/{step}";
            messages.Add(Node("Add", $"{prefix}/sum", [place, Constant(node, $"{step}/step", step)]));
            messages.Add(Node("Min", $"{prefix}/next", [$"{prefix}/sum", last]));
            messages.Add(Node("Gather", $"{prefix}/key", [keys, $"{prefix}/next"], Attribute("axis", 0)));
            messages.Add(Node("Less", $"{prefix}/above", [number, $"{prefix}/key"]));
            messages.Add(Node("Where", $"{prefix}/place", [$"{prefix}/above", place, $"{prefix}/next"]));
            place = $"{prefix}/place";
        }

        messages.Add(Node("Gather", $"{node.Output}/key", [keys, place], Attribute("axis", 0)));
        messages.Add(Node("Equal", $"{node.Output}/there", [$"{node.Output}/key", number]));
        messages.Add(Node("Where", node.Output, [$"{node.Output}/there", place, Constant(node, "none", count)]));
        return messages;
    }
}
