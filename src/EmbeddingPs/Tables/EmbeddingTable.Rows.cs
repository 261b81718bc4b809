namespace OpenEmbedding.EmbeddingPs.Tables;

/// <content>Whole rows, weights and slots, for a row that moves from one table to another with the same rule.</content>
public abstract unsafe partial class EmbeddingTable
{
    /// <summary>Bytes of a row with its slots.</summary>
    internal int StoredBytes => checked((int)(WeightBytes + Optimizer.SlotBytes(Options.Dimension))) + (HasAges ? ElementBytes(Options) : 0);

    /// <summary>Copies rows with their slots to <paramref name="destination"/>, [rows, <see cref="StoredBytes"/>].</summary>
    internal void Export(ReadOnlySpan<long> rows, nint destination)
    {
        var addresses = Rows.Addresses;
        foreach (long row in rows)
        {
            RowCopy.Copy((byte*)addresses.Of(row), (byte*)destination, StoredBytes);
            destination += StoredBytes;
        }
    }

    /// <summary>Overwrites rows and their slots with <paramref name="source"/>, [rows, <see cref="StoredBytes"/>].</summary>
    internal void Import(ReadOnlySpan<long> rows, nint source)
    {
        BeforeChange(rows);
        var addresses = Rows.Addresses;
        foreach (long row in rows)
        {
            RowCopy.Copy((byte*)source, (byte*)addresses.Of(row), StoredBytes);
            source += StoredBytes;
        }
    }

    /// <summary>Overwrites parts of rows.</summary>
    /// <param name="rows">The rows.</param>
    /// <param name="columns">The parts.</param>
    /// <param name="values">The values of each part, one after the other, of the table's element type.</param>
    /// <param name="places">Which of them each row gets.</param>
    internal void ImportColumns(ReadOnlySpan<long> rows, ReadOnlySpan<RowColumn> columns, ReadOnlySpan<byte[]> values, ReadOnlySpan<int> places)
    {
        BeforeChange(rows);
        var addresses = Rows.Addresses;
        for (int column = 0; column < columns.Length; column++)
        {
            int bytes = columns[column].Bytes(Options.ElementType);
            fixed (byte* start = values[column]) // in place while the table copies out of it
            {
                for (int i = 0; i < rows.Length; i++)
                {
                    RowCopy.Copy(start + ((long)places[i] * bytes), (byte*)addresses.Of(rows[i]) + columns[column].Offset, bytes);
                }
            }
        }
    }

    /// <summary>Copies the weights of each row to a place of its own: row i to place <paramref name="places"/>[i] of <paramref name="destination"/>, in rows.</summary>
    internal void Scatter(ReadOnlySpan<long> rows, ReadOnlySpan<int> places, nint destination)
    {
        var addresses = Rows.Addresses;
        for (int i = 0; i < rows.Length; i++)
        {
            RowCopy.Copy((byte*)addresses.Of(rows[i]), (byte*)destination + ((long)places[i] * WeightBytes), WeightBytes);
        }
    }
}
