using OpenEmbedding.Collectives;
using OpenEmbedding.EmbeddingPs.Client;
using OpenEmbedding.EmbeddingPs.Tables;

namespace OpenEmbedding.Trainer.Export;

/// <summary>Writes rows of tables in the order of given keys, as evaluation reads them: a key that has no row gives its initial value.</summary>
/// <remarks>Pulls some MB at a time, whatever the size of the table.</remarks>
internal sealed unsafe class PulledRows(IEmbeddingStore store, long step)
{
    private const int BytesAtOnce = 4 << 20;
    private const int MostKeysAtOnce = 1 << 17;
    private readonly KeyBatch _batch = new();

    /// <summary>Gives the keys from the first one on.</summary>
    /// <param name="first">The place of the first key.</param>
    /// <param name="keys">Takes the keys.</param>
    public delegate void KeySource(long first, Span<long> keys);

    /// <summary>Writes so many rows, with zeros behind their weights up to <paramref name="dimension"/>.</summary>
    public void Write(Stream stream, int index, TableOptions table, int dimension, long count, KeySource source)
    {
        int rowBytes = table.Dimension * table.ElementType.SizeOf();
        int writtenBytes = dimension * table.ElementType.SizeOf();
        int most = (int)Math.Min(count, Math.Clamp(BytesAtOnce / writtenBytes, 1, MostKeysAtOnce));
        long[] keys = new long[most];
        byte[] pulled = new byte[most * rowBytes];
        byte[] ordered = new byte[most * writtenBytes];
        for (long first = 0; first < count; first += most)
        {
            int rows = (int)Math.Min(most, count - first);
            source(first, keys.AsSpan(0, rows));
            Pull(index, table.Kind, keys.AsSpan(0, rows), pulled);
            ReadOnlySpan<long> positions = _batch.Positions;
            for (int row = 0; row < rows; row++)
            {
                pulled.AsSpan((int)positions[row] * rowBytes, rowBytes).CopyTo(ordered.AsSpan(row * writtenBytes));
            }

            stream.Write(ordered, 0, rows * writtenBytes);
        }
    }

    private void Pull(int index, TableKind kind, ReadOnlySpan<long> keys, byte[] rows)
    {
        _batch.Plan(keys, kind, store.Shards);
        using PullTicket ticket = store.BeginPull(step, PullMode.Evaluate, [new PullSection(_batch, [index])]);
        fixed (byte* pointer = rows) // in place while the ticket copies into it
        {
            ticket.CopyRows(0, 0, (nint)pointer);
        }
    }
}
