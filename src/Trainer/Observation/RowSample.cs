using OpenEmbedding.Collectives;
using OpenEmbedding.EmbeddingPs.Client;
using OpenEmbedding.EmbeddingPs.Tables;
using OpenEmbedding.Trainer.Data;
using OpenEmbedding.Trainer.Training;

namespace OpenEmbedding.Trainer.Observation;

/// <summary>Keys of the last batch, whose rows can be looked at: those that are in use, the frequent ones sooner than the rare.</summary>
/// <remarks>A step costs the copy of some keys; rows are pulled only when their norms are asked for.</remarks>
internal sealed unsafe class RowSample(TableLayout layout)
{
    private const int MostSamples = 256;
    private readonly long[] _ids = new long[MostSamples * layout.Slots.Count];
    private readonly KeyBatch _keys = new();
    private int _samples;

    /// <summary>The keys, [samples, slots]; until the next batch.</summary>
    public ReadOnlyMemory<long> Ids => _ids.AsMemory(0, _samples * layout.Slots.Count);

    /// <summary>Remembers keys of a batch in the place of those of the one before; a batch without samples changes nothing.</summary>
    public void Take(Batch batch)
    {
        if (batch.Rows == 0)
        {
            return;
        }

        _samples = Math.Min(MostSamples, batch.Rows);
        batch.Ids.AsSpan(0, _samples * layout.Slots.Count).CopyTo(_ids);
    }

    /// <summary>Pulls the rows, each once, and takes their norms; on one trainer, between two steps.</summary>
    /// <param name="store">Where the rows are.</param>
    /// <param name="step">The number of the next step, as the store counts.</param>
    /// <returns>A list for each table; empty before the first batch.</returns>
    public IReadOnlyList<TableNorms> Norms(IEmbeddingStore store, long step)
    {
        var norms = new List<TableNorms>();
        for (int section = 0; _samples > 0 && section < layout.Sections.Length; section++)
        {
            _keys.Plan(IdsOf(section), layout.Kind, store.Shards);
            int[] tables = layout.Sections[section];
            using PullTicket ticket = store.BeginPull(step, PullMode.Evaluate, [new PullSection(_keys, tables)]);
            for (int role = 0; role < tables.Length; role++)
            {
                norms.Add(NormsOf(ticket, role, layout.Tables[tables[role]]));
            }
        }

        return norms;
    }

    private static double NormOf<T>(ReadOnlySpan<T> row)
        where T : unmanaged, IConvertible
    {
        double sum = 0;
        foreach (T weight in row)
        {
            double value = weight.ToDouble(null);
            sum += value * value;
        }

        return Math.Sqrt(sum);
    }

    private TableNorms NormsOf(PullTicket ticket, int role, TableOptions table) => table.ElementType == ElementType.Float64
        ? NormsOf<double>(ticket, role, table)
        : NormsOf<float>(ticket, role, table);

    private TableNorms NormsOf<T>(PullTicket ticket, int role, TableOptions table)
        where T : unmanaged, IConvertible
    {
        var rows = new T[_keys.Count * table.Dimension];
        fixed (T* pointer = rows) // in place while the ticket copies into it
        {
            ticket.CopyRows(0, role, (nint)pointer);
        }

        double[] norms = new double[_keys.Count];
        for (int row = 0; row < norms.Length; row++)
        {
            norms[row] = NormOf<T>(rows.AsSpan(row * table.Dimension, table.Dimension));
        }

        return new TableNorms(table.Name, norms);
    }

    private long[] IdsOf(int section)
    {
        ReadOnlySpan<int> slots = layout.SlotsOf(section);
        long[] ids = new long[_samples * slots.Length];
        return ids[..layout.Slots.CopyKeys(Ids.Span, slots, ids)];
    }
}
