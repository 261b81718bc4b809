using System.Buffers.Text;
using System.Globalization;
using System.Text;
using OpenEmbedding.Collectives;
using OpenEmbedding.Trainer.Configuration;

namespace OpenEmbedding.Trainer.Data;

/// <summary>A file of LIBSVM's or LIBFFM's sparse rows, <c>LABEL INDEX:VALUE …</c> or <c>LABEL FIELD:FEATURE:VALUE …</c>.</summary>
/// <remarks>
/// Columns are named by INDEX or FIELD. Of LIBSVM a dense column is VALUE, and so is the category of a sparse one; of LIBFFM the category is FEATURE. A
/// column that a row does not have is 0, or an empty category; columns that nobody asked for are left aside. What follows <c>#</c> is a comment.
/// Labels −1 and +1 are 0 and 1.
/// </remarks>
internal sealed unsafe class SparseFile : RowFile
{
    private const byte Blank = (byte)' ';
    private const byte Colon = (byte)':';
    private const byte Comment = (byte)'#';
    private const byte LineEnd = (byte)'\n';

    private readonly ByteLines _lines;
    private readonly string _path;
    private readonly DataOptions _options;
    private readonly bool _hasFields;
    private readonly SparseSlots _slots;
    private readonly float[] _missing;

    // By the number of a column its place among the dense columns, or among the sparse ones behind them.
    private readonly Dictionary<long, int> _places = [];
    private string _problem = "";

    public SparseFile(ByteLines lines, string path, DataOptions options, bool hasFields)
    {
        _lines = lines;
        _path = path;
        _options = options;
        _hasFields = hasFields;
        AddColumns(options.Dense, "data.dense");
        AddColumns([.. options.Sparse.Select(column => column.Name)], "data.sparse");
        _slots = new SparseSlots(options.Sparse);
        _missing = options.MissingDense;
        if (!hasFields && options.Sparse.FirstOrDefault(column => column.IsMultiHot) is { } several)
        {
            throw new OpenEmbeddingException(
                $"data.sparse: column {several.Name} has max_length {several.MaxLength}; LIBSVM's form has one value of an index", JobExitCode.Configuration);
        }
    }

    private string Form => _hasFields ? "FIELD:FEATURE:VALUE" : "INDEX:VALUE";

    /// <inheritdoc/>
    public override long Skip(long rows) => _lines.Skip(rows);

    /// <inheritdoc/>
    public override RowOutcome Read(out float label, Span<float> dense, Span<long> sparse)
    {
        label = 0;
        if (!_lines.TryRead(LineEnd, out byte* start, out int length))
        {
            return RowOutcome.End;
        }

        ReadOnlySpan<byte> line = new(start, length);
        int comment = line.IndexOf(Comment);
        ReadOnlySpan<byte> rest = comment < 0 ? line : line[..comment];
        ReadOnlySpan<byte> first = Next(ref rest);
        if (!TryLabel(first, out label))
        {
            return Bad(DataError.Field(_options.Label, Text(first), "a number from 0 to 1, or -1"));
        }

        _missing.CopyTo(dense);
        sparse.Fill(EmptyCategory);
        while (Next(ref rest) is { IsEmpty: false } pair)
        {
            if (!TryTake(pair, dense, sparse))
            {
                return RowOutcome.Bad;
            }
        }

        return RowOutcome.Row;
    }

    /// <inheritdoc/>
    public override OpenEmbeddingException DescribeBadRow() => DataError.AtLine(_path, _lines.Line, _problem);

    /// <inheritdoc/>
    public override void Dispose() => _lines.Dispose();

    private static ReadOnlySpan<byte> Next(ref ReadOnlySpan<byte> rest)
    {
        rest = rest.TrimStart(" \t"u8);
        int end = rest.IndexOfAny(Blank, (byte)'\t');
        ReadOnlySpan<byte> word = end < 0 ? rest : rest[..end];
        rest = end < 0 ? [] : rest[end..];
        return word;
    }

    /// <summary>Takes what comes before the next colon off a text; nothing where there is none.</summary>
    private static ReadOnlySpan<byte> Cut(ref ReadOnlySpan<byte> rest)
    {
        int colon = rest.IndexOf(Colon);
        ReadOnlySpan<byte> before = colon < 0 ? [] : rest[..colon];
        rest = rest[(colon + 1)..];
        return before;
    }

    private static bool TryLabel(ReadOnlySpan<byte> word, out float label)
    {
        bool is1 = TryNumber(word, out label);
        label = label == -1 ? 0 : label;
        return is1 && label is >= 0 and <= 1;
    }

    private static bool TryNumber(ReadOnlySpan<byte> word, out float value) =>
        float.TryParse(word, NumberStyles.Float, CultureInfo.InvariantCulture, out value) && float.IsFinite(value);

    private static string Text(ReadOnlySpan<byte> bytes) => Encoding.UTF8.GetString(bytes);

    private void AddColumns(IReadOnlyList<string> names, string option)
    {
        foreach (string name in names)
        {
            if (!long.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out long number))
            {
                throw new OpenEmbeddingException(
                    $"{option}: column \"{name}\" is not a number, as columns of {(_hasFields ? "LIBFFM" : "LIBSVM")} are named: by {(_hasFields ? "field" : "index")}",
                    JobExitCode.Configuration);
            }

            _places.Add(number, _places.Count);
        }
    }

    private bool TryTake(ReadOnlySpan<byte> pair, Span<float> dense, Span<long> sparse)
    {
        ReadOnlySpan<byte> rest = pair;
        ReadOnlySpan<byte> column = Cut(ref rest);
        ReadOnlySpan<byte> feature = _hasFields ? Cut(ref rest) : [];
        bool isWhole = !column.IsEmpty && feature.IsEmpty != _hasFields && !rest.Contains(Colon);
        if (!isWhole || !Utf8Parser.TryParse(column, out long number, out int read) || read != column.Length)
        {
            _problem = $"\"{Text(pair)}\" is not {Form}";
            return false;
        }

        if (!_places.TryGetValue(number, out int place))
        {
            return true;
        }

        if (place < dense.Length)
        {
            if (TryNumber(rest, out dense[place]))
            {
                return true;
            }

            _problem = DataError.Field(_options.Dense[place], Text(rest), DenseRule);
            return false;
        }

        SparseSlots.Take(Categories.Of(_hasFields ? feature : rest), _slots.SlotsOf(place - dense.Length, sparse));
        return true;
    }

    private RowOutcome Bad(string problem)
    {
        _problem = problem;
        return RowOutcome.Bad;
    }
}
