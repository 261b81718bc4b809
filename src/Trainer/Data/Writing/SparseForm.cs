using System.Buffers;
using OpenEmbedding.Trainer.Configuration;

namespace OpenEmbedding.Trainer.Data.Writing;

/// <summary>
/// LIBSVM's <c>LABEL INDEX:VALUE …</c> or LIBFFM's <c>LABEL FIELD:FEATURE:VALUE …</c>. Columns are numbered from 1, the dense ones first; zeros and empty categories are left
/// out.
/// </summary>
internal sealed class SparseForm : RowForm
{
    private readonly SparseSlots _slots;
    private readonly bool _hasFields;

    public SparseForm(DataOptions options, bool hasFields)
    {
        _slots = new SparseSlots(options.Sparse);
        _hasFields = hasFields;
        if (!hasFields)
        {
            RefuseMultiHot(options, "LIBSVM's form");
        }
    }

    /// <inheritdoc/>
    public override void Append(float label, ReadOnlySpan<float> dense, ReadOnlySpan<long> sparse, ArrayBufferWriter<byte> output)
    {
        Number(label, output);
        for (int column = 0; column < dense.Length; column++)
        {
            // Not that of −0, which is no other number to a model.
            if (dense[column] != 0)
            {
                Begin(column + 1, output);
                if (_hasFields)
                {
                    output.Write("0:"u8);
                }

                Number(dense[column], output);
            }
        }

        for (int slot = 0; slot < sparse.Length; slot++)
        {
            if (sparse[slot] != SparseSlots.Empty)
            {
                Begin(dense.Length + _slots.ColumnOf(slot) + 1, output);
                Number(sparse[slot], output);
                if (_hasFields)
                {
                    output.Write(":1"u8);
                }
            }
        }

        Character('\n', output);
    }

    private static void Begin(int column, ArrayBufferWriter<byte> output)
    {
        Character(' ', output);
        Number(column, output);
        Character(':', output);
    }
}
