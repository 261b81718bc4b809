using System.Globalization;
using OpenEmbedding.Collectives;
using OpenEmbedding.Trainer.Configuration;
using Parquet;
using Parquet.Schema;

namespace OpenEmbedding.Trainer.Data;

/// <summary>A Parquet file; columns are found by name, others are not read.</summary>
/// <remarks>
/// A row group is decoded as a whole, column by column, when its first row is wanted; groups of which no row is wanted are not read. The memory is
/// 4 bytes for each dense value and 8 for each category that one group can have.
/// </remarks>
internal sealed class ParquetFile : RowFile
{
    private readonly Stream _stream;
    private readonly string _path;
    private readonly DataOptions _options;
    private readonly ParquetReader _reader;
    private readonly ParquetSchema _schema;
    private readonly DataField _label;
    private readonly DataField[] _dense;
    private readonly DataField[] _sparse;
    private readonly SparseSlots _slots;
    private readonly float[] _missing;

    // Of the group that is decoded, by column.
    private float[] _labels = [];
    private readonly float[][] _numbers;
    private readonly long[][] _categories;
    private int _decoded = -1;

    // The next row: its group and how many rows that has, its place there, and the rows of the groups before.
    private int _group = -1;
    private int _groupRows;
    private int _place;
    private long _before;

    /// <summary>Reads a stream that can go back, which it then owns.</summary>
    public ParquetFile(Stream stream, string path, DataOptions options)
    {
        _stream = stream;
        _path = path;
        _options = options;
        if (!stream.CanSeek)
        {
            throw DataError.InFile(path, "compressed as a whole, or no plain file; expected a Parquet file as it is, which is read from its end and compressed within");
        }

        _reader = Try("the file", () => Open(stream));
        _schema = Try("the file", () => _reader.Schema);
        _slots = new SparseSlots(options.Sparse);
        _missing = options.MissingDense;
        _label = Find(options.Label, "data.label", ParquetColumn.HasNumbers, ParquetColumn.NumberTypes);
        _dense = [.. options.Dense.Select(name => Find(name, "data.dense", ParquetColumn.HasNumbers, ParquetColumn.NumberTypes))];
        _sparse = [.. options.Sparse.Select(column => Find(column.Name, "data.sparse", ParquetColumn.HasCategories, ParquetColumn.CategoryTypes, column.IsMultiHot))];
        _numbers = [.. _dense.Select(_ => Array.Empty<float>())];
        _categories = [.. _sparse.Select(_ => Array.Empty<long>())];
    }

    /// <inheritdoc/>
    public override long Skip(long rows)
    {
        long skipped = 0;
        while (skipped < rows && FindRow())
        {
            int now = (int)Math.Min(rows - skipped, _groupRows - _place);
            _place += now;
            skipped += now;
        }

        return skipped;
    }

    /// <inheritdoc/>
    public override RowOutcome Read(out float label, Span<float> dense, Span<long> sparse)
    {
        label = 0;
        if (!FindRow())
        {
            return RowOutcome.End;
        }

        Decode();
        int row = _place++;
        label = _labels[row];
        if (label is not (>= 0 and <= 1))
        {
            return RowOutcome.Bad;
        }

        for (int column = 0; column < dense.Length; column++)
        {
            dense[column] = _numbers[column][row];
            if (!float.IsFinite(dense[column]))
            {
                return RowOutcome.Bad;
            }
        }

        for (int column = 0; column < _categories.Length; column++)
        {
            Span<long> slots = _slots.SlotsOf(column, sparse);
            _categories[column].AsSpan(row * slots.Length, slots.Length).CopyTo(slots);
        }

        return RowOutcome.Row;
    }

    /// <inheritdoc/>
    public override OpenEmbeddingException DescribeBadRow()
    {
        int row = _place - 1;
        string problem = float.IsNaN(_labels[row])
            ? $"column {_options.Label} has no value; expected {LabelRule}"
            : _labels[row] is not (>= 0 and <= 1)
            ? Problem(_options.Label, _labels[row], LabelRule)
            : _dense.Zip(_numbers).Where(column => !float.IsFinite(column.Second[row]))
                .Select(column => Problem(column.First.Name, column.Second[row], DenseRule)).First();
        return DataError.InFile(_path, string.Create(CultureInfo.InvariantCulture, $"row {_before + _place}: {problem}"));
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        _reader.DisposeAsync().AsTask().GetAwaiter().GetResult();
        _stream.Dispose();
    }

    private static ParquetReader Open(Stream stream) =>
        ParquetReader.CreateAsync(stream, new ParquetOptions { TreatByteArrayAsString = false }, leaveStreamOpen: true).GetAwaiter().GetResult();

    private static string Problem(string column, float value, string rule) =>
        DataError.Field(column, value.ToString(CultureInfo.InvariantCulture), rule);

    private DataField Find(string name, string option, Func<DataField, bool> allows, string types, bool isMultiHot = false)
    {
        Field? field = _schema.Fields.FirstOrDefault(field => field.Name == name);
        if (field is null)
        {
            throw DataError.InFile(
                _path, $"no column \"{name}\" ({option}); the file has {string.Join(", ", _schema.Fields.Select(other => other.Name))}");
        }

        Field values = isMultiHot && field is ListField list ? list.Item : field;
        return values is not DataField data || data.MaxRepetitionLevel > (isMultiHot ? 1 : 0)
            ? throw DataError.InFile(_path, $"column {name} ({option}) has several values in a row; expected one{(isMultiHot ? " or a list" : "")}")
            : allows(data) ? data : throw DataError.InFile(_path, $"column {name} ({option}) holds {NameOf(data.ClrType)}; expected {types}");
    }

    private static string NameOf(Type type) => type == typeof(ReadOnlyMemory<char>) ? "text" : type == typeof(ReadOnlyMemory<byte>) ? "bytes" : type.Name;

    /// <summary>Goes to the group of the next row; false behind the last.</summary>
    private bool FindRow()
    {
        while (_place == _groupRows)
        {
            if (_group + 1 == _reader.RowGroupCount)
            {
                return false;
            }

            _group++;
            _before += _groupRows;
            _groupRows = RowsOf(_group);
            _place = 0;
        }

        return true;
    }

    private int RowsOf(int group)
    {
        long rows = _reader.RowGroups[group].RowCount;
        return rows is >= 0 and <= int.MaxValue
            ? (int)rows
            : throw DataError.InFile(_path, string.Create(CultureInfo.InvariantCulture, $"row group {group}: {rows} rows; expected 0 to {int.MaxValue}"));
    }

    private void Decode()
    {
        if (_decoded == _group)
        {
            return;
        }

        ParquetRowGroupReader group = _reader.RowGroups[_group];
        _labels = Column(_labels, group, _label, 1, (field, _, target) => ParquetColumn.ReadNumbers(group, field, target, missing: float.NaN));
        for (int i = 0; i < _dense.Length; i++)
        {
            float missing = _missing[i];
            _numbers[i] = Column(_numbers[i], group, _dense[i], 1, (field, _, target) => ParquetColumn.ReadNumbers(group, field, target, missing));
        }

        for (int i = 0; i < _sparse.Length; i++)
        {
            int column = i;
            _categories[i] = Column(
                _categories[i], group, _sparse[i], _slots.WidthOf(i), (field, values, target) => ParquetColumn.ReadCategories(group, field, values, _slots, column, target));
        }

        _decoded = _group;

        T[] Column<T>(T[] values, ParquetRowGroupReader group, DataField field, int width, ReadColumn<T> read)
        {
            string what = string.Create(CultureInfo.InvariantCulture, $"column {field.Path.FirstPart} in the row group from row {_before + 1}");
            return Try(what, () =>
            {
                // Nothing is made room for by a number of rows that the column itself does not have.
                long held = group.GetMetadata(field)?.MetaData?.NumValues ?? 0;
                if (field.MaxRepetitionLevel == 0 ? held != _groupRows : held < _groupRows || held > Array.MaxLength)
                {
                    throw new InvalidDataException(string.Create(CultureInfo.InvariantCulture, $"{held} values in {_groupRows} rows"));
                }

                int numbers = checked(_groupRows * width);
                T[] target = values.Length < numbers ? new T[numbers] : values;
                read(field, (int)held, target.AsSpan(0, numbers));
                return target;
            });
        }
    }

    /// <summary>Whatever the library throws at a damaged file, it is the file that cannot be read.</summary>
    private T Try<T>(string what, Func<T> read)
    {
        try
        {
            return read();
        }
        catch (Exception e)
        {
            throw DataError.InFile(_path, $"{what} cannot be read as Parquet: {e.Message.ReplaceLineEndings(" ")}", e);
        }
    }

    private delegate void ReadColumn<T>(DataField field, int values, Span<T> target);
}
