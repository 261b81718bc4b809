using OpenEmbedding.Collectives;
using OpenEmbedding.EmbeddingPs.Optimizers;

namespace OpenEmbedding.EmbeddingPs.Tables;

/// <summary>One array of a table's rows: the weights, a slot, the count of updates, or the step of the last one.</summary>
/// <param name="Name">Its name in files.</param>
/// <param name="Offset">Where it begins in a row, in bytes.</param>
/// <param name="Elements">Elements per row.</param>
/// <param name="IsCount">Whether it is one int in the place of an element.</param>
internal readonly record struct RowColumn(string Name, int Offset, int Elements, bool IsCount)
{
    /// <summary>The name of the step of a row's last update in files; those of a table whose growth was not bounded lack it.</summary>
    public const string LastStep = "last_step";

    /// <summary>Bytes of the part of one row.</summary>
    public int Bytes(ElementType type) => IsCount ? sizeof(int) : Elements * type.SizeOf();
}

/// <content>What a row consists of.</content>
public abstract unsafe partial class EmbeddingTable
{
    /// <summary>The parts of a row, in order: weights, slots, count of updates, step of the last one.</summary>
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

        if (HasAges)
        {
            columns.Add(new RowColumn(RowColumn.LastStep, LastStepOffset, 1, true));
        }

        return [.. columns];
    }
}
