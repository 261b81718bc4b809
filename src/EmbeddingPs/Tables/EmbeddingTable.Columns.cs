using OpenEmbedding.EmbeddingPs.Optimizers;

namespace OpenEmbedding.EmbeddingPs.Tables;

/// <summary>One array of a table's rows: the weights, a slot, or the count of updates.</summary>
/// <param name="Name">Its name in files.</param>
/// <param name="Offset">Where it begins in a row, in bytes.</param>
/// <param name="Elements">Elements per row.</param>
/// <param name="IsCount">Whether it is one int in the place of an element.</param>
internal readonly record struct RowColumn(string Name, int Offset, int Elements, bool IsCount);

/// <content>What a row consists of.</content>
public abstract unsafe partial class EmbeddingTable
{
    /// <summary>The parts of a row, in order: weights, slots, count of updates.</summary>
    internal RowColumn[] Columns()
    {
        var columns = new List<RowColumn> { new("weights", 0, Options.Dimension, false) };
        foreach (string slot in Optimizer.SlotNames)
        {
            columns.Add(new RowColumn(slot, columns.Count * WeightBytes, Options.Dimension, false));
        }

        if (Optimizer.CountsSteps)
        {
            columns.Add(new RowColumn(RowOptimizer.StepsName, columns.Count * WeightBytes, 1, true));
        }

        return [.. columns];
    }
}
