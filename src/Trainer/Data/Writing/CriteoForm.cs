using System.Buffers;
using System.Globalization;
using OpenEmbedding.Collectives;
using OpenEmbedding.Trainer.Configuration;

namespace OpenEmbedding.Trainer.Data.Writing;

/// <summary>Criteo's form: tabs, 13 numbers, 26 categories of 8 hexadecimal digits. An empty category is an empty field.</summary>
internal sealed class CriteoForm : RowForm
{
    private readonly string[] _columns;

    public CriteoForm(DataOptions options)
    {
        string[] columns = [.. Enumerable.Range(1, CriteoRow.DenseColumns).Select(i => $"I{i}"), .. Enumerable.Range(1, CriteoRow.SparseColumns).Select(i => $"C{i}")];
        RefuseMultiHot(options, "Criteo's form");
        if (options.Dense.Count != CriteoRow.DenseColumns || options.Sparse.Count != CriteoRow.SparseColumns)
        {
            throw new OpenEmbeddingException(
                $"Criteo's form has {CriteoRow.DenseColumns} dense and {CriteoRow.SparseColumns} sparse columns, not {options.Dense.Count} and {options.Sparse.Count}; "
                + "the ending of another form, such as .csv, takes any",
                JobExitCode.Configuration);
        }

        _columns = columns;
    }

    /// <inheritdoc/>
    public override void Append(float label, ReadOnlySpan<float> dense, ReadOnlySpan<long> sparse, ArrayBufferWriter<byte> output)
    {
        Number(label, output);
        foreach (float value in dense)
        {
            Character('\t', output);
            Number(value, output);
        }

        for (int column = 0; column < sparse.Length; column++)
        {
            Character('\t', output);
            if (sparse[column] is >= 0 and <= uint.MaxValue)
            {
                Number((uint)sparse[column], output, "x8");
            }
            else if (sparse[column] != SparseSlots.Empty)
            {
                throw new OpenEmbeddingException(
                    string.Create(CultureInfo.InvariantCulture, $"column {_columns[dense.Length + column]} has the category {sparse[column]}; Criteo's form has 8 hexadecimal digits, 0 to {uint.MaxValue}"));
            }
        }

        Character('\n', output);
    }
}
