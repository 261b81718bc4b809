using OpenEmbedding.EmbeddingPs.Client;
using OpenEmbedding.EmbeddingPs.Tables;

namespace OpenEmbedding.Benchmarks.Kernels;

/// <summary>The kernels at work on one table; each call takes the next of a few batches, so that none stays in the cache.</summary>
/// <remarks>Not thread-safe.</remarks>
internal sealed class KernelRun : IDisposable
{
    private const int Batches = 8;

    private readonly EmbeddingTable _table;
    private readonly GradientAccumulator _accumulator;
    private readonly TableBatch[] _batches;
    private readonly NativeMemoryBlock _values;
    private readonly long[] _found = new long[TableBatch.Ids];
    private readonly KeyBatch _plan = new();
    private int _next;

    public KernelRun(TableSettings settings)
    {
        Settings = settings;
        _table = settings.CreateTable();
        _accumulator = new GradientAccumulator(_table);
        _batches = [.. Enumerable.Range(1, Batches).Select(seed => new TableBatch(settings, _table, seed))];
        _values = new NativeMemoryBlock((long)TableBatch.Ids * settings.WeightBytes);
    }

    public TableSettings Settings { get; }

    /// <summary>Bytes per row beyond weights and slots.</summary>
    public double OverheadBytes => (double)_table.MemoryBytes / _table.RowCount - Settings.RowBytes;

    /// <summary>A batch of row numbers for <see cref="CopyLimit"/>.</summary>
    public long[] NextNumbers() => Next().Numbers;

    /// <summary>Finds and copies the rows of a batch's ids, repeats too.</summary>
    /// <returns>The number of ids.</returns>
    public int Pull()
    {
        _table.FindOrAdd(Next().Keys, _found);
        _table.Gather(_found, _values.Address);
        return _found.Length;
    }

    /// <summary>The first half of a pull: finds the rows of a batch's ids.</summary>
    /// <returns>The number of ids.</returns>
    public int Find()
    {
        _table.FindOrAdd(Next().Keys, _found);
        return _found.Length;
    }

    /// <summary>The second half of a pull: copies the rows of a batch's ids.</summary>
    /// <returns>The number of ids.</returns>
    public int Gather()
    {
        long[] rows = Next().Rows;
        _table.Gather(rows, _values.Address);
        return rows.Length;
    }

    /// <summary>Updates the rows of one trainer's distinct keys; there is nothing to merge.</summary>
    /// <returns>The number of keys.</returns>
    public int Update()
    {
        long[] rows = Next().DistinctRows;
        _accumulator.Add(rows, _values.Address);
        _accumulator.Apply();
        return rows.Length;
    }

    /// <summary>Adds the gradients of several trainers, each with distinct keys, and updates the rows.</summary>
    /// <returns>The number of keys that the trainers sent.</returns>
    public int PushOfTrainers()
    {
        nint gradients = _values.Address;
        int keys = 0;
        foreach (long[] rows in Next().TrainerRows)
        {
            _accumulator.Add(rows, gradients);
            gradients += rows.Length * Settings.WeightBytes;
            keys += rows.Length;
        }

        _accumulator.Apply();
        return keys;
    }

    /// <summary>Adds a gradient for every id of a batch, repeats too, and updates the rows.</summary>
    /// <returns>The number of ids.</returns>
    public int PushOfIds()
    {
        long[] rows = Next().Rows;
        _accumulator.Add(rows.AsSpan(0, 1), _values.Address);
        _accumulator.Add(rows.AsSpan(1), _values.Address + Settings.WeightBytes);
        _accumulator.Apply();
        return rows.Length;
    }

    /// <summary>Finds the distinct keys of a batch and deals them to <paramref name="shards"/>.</summary>
    /// <returns>The number of ids.</returns>
    public int Plan(int shards)
    {
        long[] ids = Next().Keys;
        _plan.Plan(ids, Settings.Kind, shards);
        return ids.Length;
    }

    public void Dispose()
    {
        _accumulator.Dispose();
        _table.Dispose();
        _values.Dispose();
    }

    private TableBatch Next() => _batches[_next++ % Batches];
}
