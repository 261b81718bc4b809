using System.Globalization;
using System.Text;
using OpenEmbedding.Collectives;
using OpenEmbedding.Trainer.Configuration;
using Sylvan.Data.Csv;

namespace OpenEmbedding.Trainer.Data;

/// <summary>A file of delimited text, with a header or with the names of its columns given; columns are found by name, others are left aside.</summary>
/// <remarks>
/// The delimiter is the given one, or the one of <c>, ; | TAB</c> that the first line has. A category that is a decimal integer of 64 bits is that number; any
/// other text is hashed. Blanks around a field do not count.
/// </remarks>
internal sealed class CsvFile : RowFile
{
    private const int LongestRecord = 16 << 20;

    private readonly CsvDataReader? _csv;
    private readonly string _path;
    private readonly string _labelName;
    private readonly IReadOnlyList<string> _denseNames;
    private readonly IReadOnlyList<string>? _given;
    private readonly int _fields;
    private readonly int _label;
    private readonly int[] _dense = [];
    private readonly float[] _missing;
    private readonly int[] _sparse = [];
    private readonly SparseSlots _slots;

    // The line on which the next record begins; records with line ends inside quotes take several.
    private long _nextLine;
    private long _line;

    public CsvFile(Stream stream, string path, DataOptions options, int blockBytes)
    {
        _path = path;
        _labelName = options.Label;
        _denseNames = options.Dense;
        _given = options.Columns;
        _slots = new SparseSlots(options.Sparse);
        _missing = options.MissingDense;
        _nextLine = _given is null ? 2 : 1;
        StreamReader text = new(stream, Encoding.UTF8, detectEncodingFromByteOrderMarks: true, blockBytes);
        try
        {
            _csv = CsvDataReader.Create(text, new CsvDataReaderOptions
            {
                BufferSize = Math.Max(blockBytes, 4096),
                MaxBufferSize = LongestRecord,
                HasHeaders = _given is null,
                Delimiter = options.Delimiter switch
                {
                    null => null,
                    "tab" => '\t',
                    { } delimiter => delimiter[0],
                },
                // No line is a comment, so that rows are counted as lines.
                Comment = '\0',
            });
        }
        catch (CsvMissingHeadersException)
        {
            // An empty file: no rows.
            return;
        }
        catch (Exception e) when (IsReadError(e))
        {
            throw DataError.AtLine(path, 1, $"cannot be read: {e.Message}", e);
        }

        IReadOnlyList<string> header = _given ?? [.. Enumerable.Range(0, _csv.FieldCount).Select(i => _csv.GetName(i).Trim())];
        _fields = header.Count;
        _label = Find(header, options.Label, "data.label");
        _dense = [.. options.Dense.Select(name => Find(header, name, "data.dense"))];
        _sparse = [.. options.Sparse.Select(column => Find(header, column.Name, "data.sparse"))];
    }

    /// <inheritdoc/>
    public override long Skip(long rows)
    {
        long skipped = 0;
        while (skipped < rows && Advance())
        {
            skipped++;
        }

        return skipped;
    }

    /// <inheritdoc/>
    public override RowOutcome Read(out float label, Span<float> dense, Span<long> sparse)
    {
        label = 0;
        if (!Advance())
        {
            return RowOutcome.End;
        }

        if (_csv!.RowFieldCount != _fields || !TryParseLabel(_csv.GetFieldSpan(_label), out label))
        {
            return RowOutcome.Bad;
        }

        for (int i = 0; i < _dense.Length; i++)
        {
            if (!TryParseDense(_csv.GetFieldSpan(_dense[i]), _missing[i], out dense[i]))
            {
                return RowOutcome.Bad;
            }
        }

        for (int i = 0; i < _sparse.Length; i++)
        {
            _slots.Fill(i, _csv.GetFieldSpan(_sparse[i]), _slots.SlotsOf(i, sparse));
        }

        return RowOutcome.Row;
    }

    /// <inheritdoc/>
    public override OpenEmbeddingException DescribeBadRow()
    {
        if (_csv!.RowFieldCount != _fields)
        {
            return DataError.AtLine(_path, _line, DataError.FieldCount(_csv.RowFieldCount, _fields, _given is null ? "as in the header" : "as in data.columns"));
        }

        ReadOnlySpan<char> label = _csv.GetFieldSpan(_label);
        if (!TryParseLabel(label, out _))
        {
            return DataError.AtLine(_path, _line, DataError.Field(_labelName, label, LabelRule));
        }

        int column = Array.FindIndex(_dense, place => !TryParseDense(_csv.GetFieldSpan(place), 0, out _));
        return DataError.AtLine(_path, _line, DataError.Field(_denseNames[column], _csv.GetFieldSpan(_dense[column]), DenseRule));
    }

    /// <inheritdoc/>
    public override void Dispose() => _csv?.Dispose();

    private static bool IsReadError(Exception e) =>
        e is CsvFormatException or CsvRecordTooLargeException or IOException or InvalidDataException;

    private static bool TryParseLabel(ReadOnlySpan<char> field, out float value) =>
        float.TryParse(field, NumberStyles.Float, CultureInfo.InvariantCulture, out value) && value is >= 0 and <= 1;

    private static bool TryParseDense(ReadOnlySpan<char> field, float missing, out float value)
    {
        if (field.IsWhiteSpace())
        {
            value = missing;
            return true;
        }

        return float.TryParse(field, NumberStyles.Float, CultureInfo.InvariantCulture, out value) && float.IsFinite(value);
    }

    private int Find(IReadOnlyList<string> header, string name, string option)
    {
        int place = header.TakeWhile(column => column != name).Count();
        return place < header.Count
            ? place
            : throw DataError.AtLine(_path, 1, $"no column \"{name}\" ({option}); {(_given is null ? "the header" : "data.columns")} has {string.Join(", ", header)}");
    }

    private bool Advance()
    {
        try
        {
            if (_csv is null || !_csv.Read())
            {
                return false;
            }
        }
        catch (Exception e) when (IsReadError(e))
        {
            throw DataError.AtLine(_path, _nextLine, $"cannot be read: {e.Message}", e);
        }

        _line = _nextLine;
        _nextLine += _csv.GetRawRecordSpan().Count('\n');
        return true;
    }
}
