using OpenEmbedding.Collectives;
using OpenEmbedding.Trainer.Configuration;

namespace OpenEmbedding.Trainer.Data;

/// <summary>Reads the batches of one trainer, in order, once through the selected rows.</summary>
/// <remarks>
/// <para>
/// With <see cref="ShardRule.Rows"/>, W trainers and batch size B, step n of trainer r takes the rows [n·B·W + r·B, n·B·W + (r + 1)·B) of
/// the selection: the rows of a step are the same for every W at equal B·W. Rows of others are only searched for line ends. With
/// <see cref="ShardRule.Files"/> trainer r reads the files i with i mod W = r and takes B of their rows at a time.
/// </para>
/// <para>
/// Places are counted in lines, good or bad. A malformed row that is skipped leaves its batch one row shorter and moves no other row, so
/// each row is read by exactly one trainer, at the same step under either rule, and each bad one is counted by exactly one trainer. A batch
/// may therefore be short or even empty before the end.
/// </para>
/// <para>
/// Reading may start behind the first rows. With <see cref="ShardRule.Rows"/> these are rows of the selection, so that a pass that W trainers
/// began can be ended by any number of them with any batch size; with <see cref="ShardRule.Files"/> they are rows of this trainer's own files.
/// </para>
/// <para>
/// Places may be shuffled: then n and r tell places of the shuffled selection (see <see cref="RowShuffle"/>), or of this trainer's shuffled files, and all of the
/// above holds for these.
/// </para>
/// <para>Not thread-safe; may be used from one thread after another.</para>
/// </remarks>
public sealed class BatchReader : IDisposable
{
    private const int DefaultBlockBytes = 1 << 20;

    private readonly DataOptions _options;
    private readonly DenseScale _scale;
    private readonly SparseKeys _keys;
    private readonly IRowSource _rows;
    private readonly int _batchSize;
    private readonly long _othersBetween;
    private long _othersNext;

    /// <summary>Finds the files.</summary>
    /// <param name="options">Format, columns, scaling of ids, and the rules.</param>
    /// <param name="selection">Files and rows, usually <see cref="DataOptions.Train"/> or <see cref="DataOptions.Test"/>.</param>
    /// <param name="trainer">Which trainer this is, 0 to <paramref name="trainers"/> − 1.</param>
    /// <param name="trainers">The number of trainers.</param>
    /// <param name="batchSize">Rows of a batch of this trainer, at least 1.</param>
    /// <param name="scale">How dense values are scaled.</param>
    /// <param name="start">Rows to pass over before the first batch, good or bad; their lines are searched for ends only.</param>
    /// <param name="shuffle">The order of the rows; null for that of the selection.</param>
    /// <exception cref="OpenEmbeddingException">A file is missing.</exception>
    public BatchReader(
        DataOptions options,
        DataFiles selection,
        int trainer,
        int trainers,
        int batchSize,
        DenseScale scale,
        long start = 0,
        RowShuffle? shuffle = null)
        : this(options, selection, trainer, trainers, batchSize, scale, start, shuffle, DefaultBlockBytes)
    {
    }

    /// <summary>As the public one, with the size of the read buffer at first.</summary>
    internal BatchReader(
        DataOptions options,
        DataFiles selection,
        int trainer,
        int trainers,
        int batchSize,
        DenseScale scale,
        long start,
        RowShuffle? shuffle,
        int blockBytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(trainer);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(trainer, trainers);
        ArgumentOutOfRangeException.ThrowIfLessThan(batchSize, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(start);
        _options = options;
        _scale = scale;
        _keys = new SparseKeys(options);
        _batchSize = batchSize;
        bool dealsFiles = options.Shard == ShardRule.Files;
        RowSequence Open() => new(options, selection, file => !dealsFiles || file % trainers == trainer, blockBytes);
        bool Owns(long place) => place >= start && (dealsFiles || (place - start) / batchSize % trainers == trainer);
        _rows = shuffle is null ? Open() : new ShuffledRows(Open, options, shuffle, Owns);
        _othersNext = start + (dealsFiles ? 0 : (long)trainer * batchSize);
        _othersBetween = dealsFiles ? 0 : (trainers - 1L) * batchSize;
    }

    /// <summary>The number of malformed rows skipped, among those of this trainer.</summary>
    public long BadRows { get; private set; }

    /// <summary>Reads the next batch of this trainer.</summary>
    /// <param name="batch">
    /// Takes the rows; fewer than the batch size at the end of the selection and where malformed rows were skipped.
    /// </param>
    /// <returns>False when no rows are left for this trainer; the batch is then empty.</returns>
    /// <exception cref="OpenEmbeddingException">
    /// A malformed row that is not to be skipped, <c>FILE:LINE: column C3 = "zz": not an 8-digit hexadecimal number</c>; no rows in the
    /// whole selection; a file that cannot be read.
    /// </exception>
    public bool Read(Batch batch)
    {
        int denseColumns = _options.Dense.Count, slots = _keys.Slots.Count;
        batch.Clear(_batchSize, denseColumns, slots);
        _rows.Skip(_othersNext);
        _othersNext = _othersBetween;

        int places = 0;
        for (; places < _batchSize; places++)
        {
            int row = batch.Rows;
            RowOutcome outcome = _rows.Read(
                out batch.Labels[row],
                batch.Dense.AsSpan(row * denseColumns, denseColumns),
                batch.Ids.AsSpan(row * slots, slots));
            if (outcome == RowOutcome.End)
            {
                break;
            }

            if (outcome == RowOutcome.Row)
            {
                batch.Rows++;
            }
            else if (_options.OnBadRow == BadRowRule.Skip)
            {
                BadRows++;
                batch.BadRows++;
            }
            else
            {
                throw _rows.DescribeBadRow();
            }
        }

        if (places == 0)
        {
            _rows.ThrowIfEmpty();
            return false;
        }

        _scale.Apply(batch.Dense.AsSpan(0, batch.Rows * denseColumns));
        _keys.Map(batch.Ids.AsSpan(0, batch.Rows * slots));
        return true;
    }

    /// <inheritdoc/>
    public void Dispose() => _rows.Dispose();
}
