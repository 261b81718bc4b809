using OpenEmbedding.Collectives;
using OpenEmbedding.Trainer.Configuration;

namespace OpenEmbedding.Trainer.Data;

/// <summary>Rows of a selection in shuffled order, of which those of one trainer are decoded and kept until their turn, a block at a time.</summary>
/// <remarks>
/// How many rows a block has, which its order depends on, is known by looking for their ends first, so that every file is read twice, the second time out
/// of the system's cache. The memory is that of the trainer's rows of one block.
/// </remarks>
internal sealed class ShuffledRows : IRowSource
{
    private const int BadRow = -1;

    private readonly RowShuffle _shuffle;
    private readonly Func<long, bool> _owns;
    private readonly RowSequence _rows;
    private readonly RowSequence _ahead;
    private readonly bool _describes;
    private readonly int _denseColumns;
    private readonly int _slots;

    // The block that is kept: by the place of a row where it is kept.
    private long _block = -1;
    private int _blockRows;
    private int[] _kept = [];
    private float[] _labels = [];
    private float[] _dense = [];
    private long[] _sparse = [];
    private readonly Dictionary<int, OpenEmbeddingException> _problems = [];

    private long _next;

    /// <summary>Opens no file yet.</summary>
    /// <param name="open">Finds the rows in the order of the selection; called twice.</param>
    /// <param name="options">Columns, and what happens at a bad row.</param>
    /// <param name="shuffle">The order.</param>
    /// <param name="owns">Whether the row at a shuffled place is this trainer's: those alone may be read.</param>
    public ShuffledRows(Func<RowSequence> open, DataOptions options, RowShuffle shuffle, Func<long, bool> owns)
    {
        _rows = open();
        _ahead = open();
        _shuffle = shuffle;
        _owns = owns;
        _describes = options.OnBadRow == BadRowRule.Stop;
        _denseColumns = options.Dense.Count;
        _slots = new SparseSlots(options.Sparse).Count;
    }

    /// <inheritdoc/>
    public void Skip(long rows) => _next += rows;

    /// <inheritdoc/>
    public RowOutcome Read(out float label, Span<float> dense, Span<long> sparse)
    {
        label = 0;
        Keep(_next / _shuffle.Buffer);
        int place = (int)(_next % _shuffle.Buffer);
        if (place >= _blockRows)
        {
            return RowOutcome.End;
        }

        _next++;
        int row = _kept[place];
        if (row == BadRow)
        {
            return RowOutcome.Bad;
        }

        label = _labels[row];
        _dense.AsSpan(row * _denseColumns, _denseColumns).CopyTo(dense);
        _sparse.AsSpan(row * _slots, _slots).CopyTo(sparse);
        return RowOutcome.Row;
    }

    /// <inheritdoc/>
    public OpenEmbeddingException DescribeBadRow() => _problems[(int)((_next - 1) % _shuffle.Buffer)];

    /// <inheritdoc/>
    public void ThrowIfEmpty() => _rows.ThrowIfEmpty();

    /// <inheritdoc/>
    public void Dispose()
    {
        _rows.Dispose();
        _ahead.Dispose();
    }

    private void Keep(long block)
    {
        if (block == _block)
        {
            return;
        }

        long between = (block - _block - 1) * _shuffle.Buffer;
        _rows.Skip(between);
        _ahead.Skip(between);
        _block = block;
        _blockRows = (int)_ahead.Skip(_shuffle.Buffer);
        long first = block * _shuffle.Buffer;
        int[] places = _shuffle.PlacesOf(block, _blockRows);
        MakeRoom(places.Count(place => _owns(first + place)));
        _problems.Clear();
        int kept = 0;
        long others = 0;
        foreach (int place in places)
        {
            if (!_owns(first + place))
            {
                others++;
                continue;
            }

            _rows.Skip(others);
            others = 0;
            RowOutcome outcome = _rows.Read(
                out _labels[kept], _dense.AsSpan(kept * _denseColumns, _denseColumns), _sparse.AsSpan(kept * _slots, _slots));
            if (outcome == RowOutcome.Row)
            {
                _kept[place] = kept++;
                continue;
            }

            _kept[place] = BadRow;
            if (_describes)
            {
                _problems.Add(place, _rows.DescribeBadRow());
            }
        }

        _rows.Skip(others);
    }

    private void MakeRoom(int rows)
    {
        if (_kept.Length < _blockRows)
        {
            _kept = new int[_blockRows];
        }

        if (_labels.Length < rows)
        {
            _labels = new float[rows];
            _dense = new float[rows * _denseColumns];
            _sparse = new long[rows * _slots];
        }
    }
}
