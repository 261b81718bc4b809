using OpenEmbedding.Collectives;
using OpenEmbedding.Trainer.Configuration;

namespace OpenEmbedding.Trainer.Data.Writing;

/// <summary>The rows of a selection, chunk by chunk; the next one is read while one is in use.</summary>
internal sealed class RowChunks : IDisposable
{
    private const int BlockBytes = 1 << 20;

    private readonly RowSequence _rows;
    private readonly bool _skipsBad;
    private readonly RowProgress _progress;
    private RowChunk _used;
    private RowChunk _ahead;
    private Task _reading;

    /// <summary>Finds the files and begins to read.</summary>
    /// <param name="options">Format, columns, and what happens at a malformed row.</param>
    /// <param name="selection">Files and rows.</param>
    /// <param name="progress">Is told what was taken.</param>
    /// <exception cref="OpenEmbeddingException">A file is missing.</exception>
    public RowChunks(DataOptions options, DataFiles selection, RowProgress progress)
    {
        _rows = new RowSequence(options, selection, _ => true, BlockBytes);
        _skipsBad = options.OnBadRow == BadRowRule.Skip;
        _progress = progress;
        int slots = new SparseSlots(options.Sparse).Count;
        _used = new RowChunk(options.Dense.Count, slots);
        _ahead = new RowChunk(options.Dense.Count, slots);
        _reading = ReadAhead();
    }

    /// <summary>Well-formed rows taken.</summary>
    public long Rows { get; private set; }

    /// <summary>Malformed rows left out.</summary>
    public long BadRows { get; private set; }

    /// <summary>The next rows, until the next call; null behind the last.</summary>
    /// <exception cref="OpenEmbeddingException">A file cannot be read, a row is malformed, or there are no rows at all.</exception>
    public RowChunk? Next()
    {
        _reading.GetAwaiter().GetResult();
        (_used, _ahead) = (_ahead, _used);
        Rows += _used.Rows;
        BadRows += _used.BadRows;
        if (_used.Rows == 0)
        {
            _rows.ThrowIfEmpty();
            return null;
        }

        _progress.Report(Rows, _rows.BytesRead);
        _reading = ReadAhead();
        return _used;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        // The rows must not be closed while they are read.
        Task.WhenAny(_reading).GetAwaiter().GetResult();
        _rows.Dispose();
    }

    private Task ReadAhead() => Task.Run(() => _ahead.Fill(_rows, _skipsBad));
}
