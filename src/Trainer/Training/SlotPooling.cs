using OpenEmbedding.Trainer.Configuration;
using OpenEmbedding.Trainer.Data;
using static TorchSharp.torch;

namespace OpenEmbedding.Trainer.Training;

/// <summary>What <see cref="PooledRows"/> does, in operations of torch, which find the gradients themselves.</summary>
internal static class SlotPooling
{
    /// <summary>Combines the rows of every field.</summary>
    /// <param name="rows">The row of every slot, any in empty ones, [samples, slots, dimension].</param>
    /// <param name="index">What the slots hold, negative in empty ones, [samples, slots].</param>
    /// <param name="slots">Where the categories of the columns are.</param>
    /// <returns>[samples, columns, dimension]; zeros for fields without rows.</returns>
    public static Tensor Pool(Tensor rows, Tensor index, SparseSlots slots)
    {
        Tensor isUsed = index.ge(0).to_type(rows.dtype).unsqueeze(-1);
        return cat([.. Enumerable.Range(0, slots.Columns).Select(PoolColumn)], 1);

        Tensor PoolColumn(int column)
        {
            Tensor ofColumn = rows.narrow(1, slots.FirstOf(column), slots.WidthOf(column));
            if (slots.WidthOf(column) == 1)
            {
                return ofColumn;
            }

            Tensor used = isUsed.narrow(1, slots.FirstOf(column), slots.WidthOf(column));
            Tensor sum = (ofColumn * used).sum(1, keepdim: true);
            Tensor count = used.sum(1, keepdim: true).clamp_min(1);
            return slots.CombinerOf(column) switch
            {
                Combiner.Mean => sum / count,
                Combiner.Sqrtn => sum / count.sqrt(),
                _ => sum,
            };
        }
    }
}
