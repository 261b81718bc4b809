using System.Globalization;
using OpenEmbedding.Collectives;
using OpenEmbedding.Trainer.Configuration;

namespace OpenEmbedding.Trainer.Data;

/// <summary>The selected rows of all files, one after the other.</summary>
/// <remarks>Rows are counted as lines are, good or bad, so a row has the same place whatever <see cref="BadRowRule"/> says.</remarks>
internal sealed class RowSequence : IRowSource
{
    private readonly DataOptions _options;
    private readonly DataFiles _selection;
    private readonly DataFormat _format;
    private readonly List<string> _paths;
    private readonly Func<int, bool> _owns;
    private readonly int _blockBytes;
    private readonly SparseSlots _slots;

    private RowFile? _file;
    private int _nextFile;
    private long _before;
    private long _remaining;
    private long _passed;
    private long _bytesClosed;

    /// <summary>Finds the files; opens none yet.</summary>
    /// <param name="options">Format and columns.</param>
    /// <param name="selection">Files and rows.</param>
    /// <param name="owns">Whether the rows of file i are wanted; those of others count but are passed over.</param>
    /// <param name="blockBytes">The size of the read buffer at first.</param>
    /// <exception cref="OpenEmbeddingException">A file is missing, or the names of files tell different forms.</exception>
    public RowSequence(DataOptions options, DataFiles selection, Func<int, bool> owns, int blockBytes)
    {
        _options = options;
        _selection = selection;
        _paths = InputFiles.Expand(selection.Files);
        _format = options.Format == DataFormat.Auto ? FormatByName(_paths) : options.Format;
        _owns = owns;
        _blockBytes = blockBytes;
        _slots = new SparseSlots(options.Sparse);
        _before = selection.Rows?.First ?? 0;
        _remaining = selection.Rows is { Last: long last } ? Math.Min(last, long.MaxValue - 1) - _before + 1 : long.MaxValue;
    }

    /// <summary>How many bytes of the files have been read, about.</summary>
    public long BytesRead => _bytesClosed + (_file?.BytesRead ?? 0);

    /// <summary>Passes over rows without decoding them; returns how many there were, fewer than asked only at the end.</summary>
    public long Skip(long rows)
    {
        long skipped = 0;
        while (skipped < rows && (_file is not null || OpenNext()))
        {
            long now = PassOver(_file!, Math.Min(rows - skipped, _remaining));
            skipped += now;
            if (skipped < rows)
            {
                CloseFile();
            }
        }

        return skipped;
    }

    void IRowSource.Skip(long rows) => Skip(rows);

    /// <inheritdoc/>
    public RowOutcome Read(out float label, Span<float> dense, Span<long> sparse)
    {
        label = 0;
        while (_remaining > 0 && (_file is not null || OpenNext()))
        {
            RowOutcome outcome = _file!.Read(out label, dense, sparse);
            if (outcome != RowOutcome.End)
            {
                _remaining--;
                _passed++;
                if (_slots.HasDefaults && outcome == RowOutcome.Row)
                {
                    _slots.FillDefaults(sparse);
                }

                return outcome;
            }

            CloseFile();
        }

        return RowOutcome.End;
    }

    /// <inheritdoc/>
    public OpenEmbeddingException DescribeBadRow() => _file!.DescribeBadRow();

    /// <inheritdoc/>
    public void ThrowIfEmpty()
    {
        if (_passed > 0 || (_selection.Rows is null && Enumerable.Range(0, _paths.Count).Any(HasRows)))
        {
            return;
        }

        string others = _paths.Count == 1 ? "" : string.Create(CultureInfo.InvariantCulture, $" and {_paths.Count - 1} more");
        throw DataError.InFile(_paths[0] + others, _selection.Rows is null ? "no rows" : $"no rows in {_selection.Rows}");
    }

    /// <inheritdoc/>
    public void Dispose() => CloseFile();

    private static DataFormat FormatByName(List<string> paths)
    {
        DataFormat format = InputFiles.FormatOf(paths[0]);
        return paths.Find(path => InputFiles.FormatOf(path) != format) is string other
            ? throw DataError.InFile(
                other, $"by its name not of the form of {paths[0]}; all files must have one form, or data.format must tell it")
            : format;
    }

    private RowFile Open(int index) => RowFile.Open(_options, _format, _paths[index], _blockBytes);

    private bool HasRows(int index)
    {
        using RowFile file = Open(index);
        return file.Skip(1) > 0;
    }

    private bool OpenNext()
    {
        while (_nextFile < _paths.Count && _remaining > 0)
        {
            int index = _nextFile++;
            if (!_owns(index) && _selection.Rows is null)
            {
                continue;
            }

            _file = Open(index);
            if (_before > 0)
            {
                _before -= _file.Skip(_before);
            }

            if (_before == 0 && _owns(index))
            {
                return true;
            }

            if (_before == 0)
            {
                PassOver(_file, _remaining);
            }

            CloseFile();
        }

        return false;
    }

    private long PassOver(RowFile file, long rows)
    {
        long skipped = file.Skip(rows);
        _remaining -= skipped;
        _passed += skipped;
        return skipped;
    }

    private void CloseFile()
    {
        _bytesClosed = BytesRead;
        _file?.Dispose();
        _file = null;
    }
}
