using OpenEmbedding.EmbeddingPs.Tables;

namespace OpenEmbedding.EmbeddingPs.Checkpoints;

/// <summary>Gathers the rows of one table into chunks.</summary>
/// <param name="layout">What the file has of each row.</param>
/// <param name="take">Gives a chunk to fill.</param>
/// <param name="full">Takes one that is full, or the last.</param>
internal sealed class ChunkSink(RowLayout layout, Func<RowChunk> take, Action<RowChunk> full) : IRowSink
{
    private RowChunk? _chunk;

    /// <inheritdoc/>
    public void Take(ReadOnlySpan<long> keys, ReadOnlySpan<nint> rows)
    {
        while (!keys.IsEmpty)
        {
            if (_chunk is null)
            {
                _chunk = take();
                _chunk.Reset(layout);
            }

            int count = _chunk.Take(keys, rows);
            keys = keys[count..];
            rows = rows[count..];
            if (_chunk.IsFull)
            {
                Flush();
            }
        }
    }

    /// <summary>Hands on the rows so far.</summary>
    public void Flush()
    {
        if (_chunk is { } chunk)
        {
            _chunk = null;
            full(chunk);
        }
    }
}
