using OpenEmbedding.Trainer.Configuration;
using Parquet;
using Parquet.Schema;

namespace OpenEmbedding.Trainer.Data.Writing;

/// <summary>Parquet, a chunk in each row group: the label and dense columns as floats, categories as int64 with nulls, or lists of them.</summary>
internal sealed class ParquetRows : RowWriter
{
    private readonly SparseSlots _slots;
    private readonly DataField _label;
    private readonly DataField[] _dense;
    private readonly DataField[] _sparse;
    private readonly ParquetWriter _writer;

    public ParquetRows(Stream stream, DataOptions options)
    {
        _slots = new SparseSlots(options.Sparse);
        _label = new DataField<float>(options.Label);
        _dense = [.. options.Dense.Select(name => new DataField<float>(name))];
        Field[] sparse = [.. options.Sparse.Select(column => column.IsMultiHot ? (Field)new ListField(column.Name, new DataField<long>("element")) : new DataField<long?>(column.Name))];
        _sparse = [.. sparse.Select(field => field is ListField list ? (DataField)list.Item : (DataField)field)];
        _writer = ParquetWriter.CreateAsync(new ParquetSchema([_label, .. _dense, .. sparse]), stream).GetAwaiter().GetResult();
    }

    /// <inheritdoc/>
    public override void Write(RowChunk chunk)
    {
        using ParquetRowGroupWriter group = _writer.CreateRowGroup();
        Wait(group.WriteAsync<float>(_label, chunk.Labels.AsMemory(0, chunk.Rows)));
        float[] numbers = new float[chunk.Rows];
        for (int column = 0; column < _dense.Length; column++)
        {
            for (int row = 0; row < numbers.Length; row++)
            {
                numbers[row] = chunk.DenseOf(row)[column];
            }

            Wait(group.WriteAsync<float>(_dense[column], numbers));
        }

        for (int column = 0; column < _sparse.Length; column++)
        {
            WriteCategories(group, column, chunk);
        }
    }

    /// <inheritdoc/>
    public override void Dispose() => _writer.DisposeAsync().AsTask().GetAwaiter().GetResult();

    private static void Wait(Task writing) => writing.GetAwaiter().GetResult();

    // Levels tell which rows have a value, and where a row's list begins.
    private void WriteCategories(ParquetRowGroupWriter group, int column, RowChunk chunk)
    {
        DataField field = _sparse[column];
        bool isList = _slots.WidthOf(column) > 1;
        var values = new List<long>(chunk.Rows);
        var defined = new List<int>(chunk.Rows);
        var repeated = new List<int>(isList ? chunk.Rows : 0);
        for (int row = 0; row < chunk.Rows; row++)
        {
            ReadOnlySpan<long> categories = _slots.SlotsOf(column, chunk.SparseOf(row));
            int count = categories.IndexOf(SparseSlots.Empty) is >= 0 and var empty ? empty : categories.Length;
            for (int i = 0; i < Math.Max(count, 1); i++)
            {
                repeated.Add(i > 0 ? 1 : 0);
                defined.Add(count > 0 ? field.MaxDefinitionLevel : isList ? 1 : 0);
            }

            values.AddRange(categories[..count]);
        }

        Wait(group.WriteAllPartsAsync<long>(field, values.ToArray(), defined.ToArray(), isList ? repeated.ToArray() : default(ReadOnlyMemory<int>?), CancellationToken.None));
    }
}
