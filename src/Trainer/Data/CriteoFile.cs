using OpenEmbedding.Collectives;
using OpenEmbedding.Trainer.Configuration;

namespace OpenEmbedding.Trainer.Data;

/// <summary>A file in Criteo's tab-separated form.</summary>
internal sealed unsafe class CriteoFile : RowFile
{
    private readonly ByteLines _lines;
    private readonly string _path;

    // Where the wanted columns are among the 13 and the 26; null when all are wanted in their own order.
    private readonly int[]? _dense;
    private readonly int[]? _sparse;

    // What empty dense fields stand for, by their places among the 13; null where that is 0.
    private readonly float[]? _missing;

    private byte* _line;
    private int _length;

    public CriteoFile(ByteLines lines, string path, DataOptions options)
    {
        _lines = lines;
        _path = path;
        _dense = Choose(options.Dense, 'I', CriteoRow.DenseColumns, "data.dense");
        _sparse = Choose([.. options.Sparse.Select(column => column.Name)], 'C', CriteoRow.SparseColumns, "data.sparse");
        if (options.DenseDefaults is not null)
        {
            _missing = new float[CriteoRow.DenseColumns];
            for (int i = 0; i < options.Dense.Count; i++)
            {
                _missing[_dense is null ? i : _dense[i]] = options.MissingDense[i];
            }
        }

        if (options.Sparse.FirstOrDefault(column => column.IsMultiHot) is { } several)
        {
            throw new OpenEmbeddingException(
                $"data.sparse: column {several.Name} has max_length {several.MaxLength}; Criteo's form has one category in a field", JobExitCode.Configuration);
        }
    }

    /// <inheritdoc/>
    public override long Skip(long rows) => _lines.Skip(rows);

    /// <inheritdoc/>
    public override RowOutcome Read(out float label, Span<float> dense, Span<long> sparse)
    {
        if (!_lines.TryRead(CriteoRow.Tab, out _line, out _length))
        {
            label = 0;
            return RowOutcome.End;
        }

        return _dense is null && _sparse is null ? Parse(out label, dense, sparse) : ParseChosen(out label, dense, sparse);
    }

    /// <inheritdoc/>
    public override OpenEmbeddingException DescribeBadRow() =>
        DataError.AtLine(_path, _lines.Line, CriteoRow.Describe(new ReadOnlySpan<byte>(_line, _length)));

    /// <inheritdoc/>
    public override void Dispose() => _lines.Dispose();

    private static int[]? Choose(IReadOnlyList<string> names, char letter, int columns, string option)
    {
        string[] all = [.. Enumerable.Range(1, columns).Select(i => $"{letter}{i}")];
        if (names.SequenceEqual(all))
        {
            return null;
        }

        int[] places = [.. names.Select(name => Array.IndexOf(all, name))];
        int absent = Array.IndexOf(places, -1);
        return absent < 0
            ? places
            : throw new OpenEmbeddingException(
                $"{option}: column \"{names[absent]}\" is not in Criteo's form, which has {all[0]} to {all[^1]}",
                JobExitCode.Configuration);
    }

    private RowOutcome Parse(out float label, Span<float> dense, Span<long> sparse)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(dense.Length, CriteoRow.DenseColumns);
        ArgumentOutOfRangeException.ThrowIfLessThan(sparse.Length, CriteoRow.SparseColumns);

        // The lengths are checked once for the row, not for each of its fields.
        fixed (float* values = dense)
        {
            fixed (long* categories = sparse)
            {
                if (!CriteoRow.TryParse(_line, _length, out label, values, categories))
                {
                    return RowOutcome.Bad;
                }
            }
        }

        if (_missing is not null)
        {
            FillMissing(_missing, dense);
        }

        return RowOutcome.Row;
    }

    private void FillMissing(float[] missing, Span<float> dense)
    {
        ReadOnlySpan<byte> rest = new(_line, _length);
        rest = rest[(rest.IndexOf(CriteoRow.Tab) + 1)..];
        for (int i = 0; i < CriteoRow.DenseColumns; i++)
        {
            int end = rest.IndexOf(CriteoRow.Tab);
            dense[i] = end == 0 ? missing[i] : dense[i];
            rest = rest[(end + 1)..];
        }
    }

    private RowOutcome ParseChosen(out float label, Span<float> dense, Span<long> sparse)
    {
        Span<float> allDense = stackalloc float[CriteoRow.DenseColumns];
        Span<long> allSparse = stackalloc long[CriteoRow.SparseColumns];
        RowOutcome outcome = Parse(out label, allDense, allSparse);
        for (int i = 0; i < dense.Length; i++)
        {
            dense[i] = allDense[_dense is null ? i : _dense[i]];
        }

        for (int i = 0; i < sparse.Length; i++)
        {
            sparse[i] = allSparse[_sparse is null ? i : _sparse[i]];
        }

        return outcome;
    }
}
