using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using OpenEmbedding.Collectives;
using OpenEmbedding.Trainer.Configuration;

namespace OpenEmbedding.Trainer.Data;

/// <summary>What is in the rows of a selection: classes, ranges, categories and how often the most frequent comes, malformed rows.</summary>
/// <remarks>Counts are exact; the memory is 30 to 60 bytes for each category of each column.</remarks>
public sealed class DataInspection
{
    private const int BlockBytes = 1 << 20;
    private const int NameWidth = 24;

    private readonly DataOptions _options;
    private readonly SparseSlots _slots;
    private readonly long[] _zeros;
    private readonly float[] _smallest;
    private readonly float[] _largest;
    private readonly double[] _sums;
    private readonly Dictionary<long, long>[] _categories;
    private OpenEmbeddingException? _firstBad;
    private long _rows;
    private long _bad;
    private double _positive;

    private DataInspection(DataOptions options)
    {
        _options = options;
        _slots = new SparseSlots(options.Sparse);
        int dense = options.Dense.Count;
        (_zeros, _sums) = (new long[dense], new double[dense]);
        (_smallest, _largest) = (new float[dense], new float[dense]);
        Array.Fill(_smallest, float.PositiveInfinity);
        Array.Fill(_largest, float.NegativeInfinity);
        _categories = [.. options.Sparse.Select(_ => new Dictionary<long, long>())];
    }

    /// <summary>Reads all rows of a selection; malformed ones are counted, whatever the options say of them.</summary>
    /// <exception cref="OpenEmbeddingException">A file is missing or cannot be read, or there are no rows.</exception>
    public static DataInspection Read(DataOptions options, DataFiles selection)
    {
        var inspection = new DataInspection(options);
        using var rows = new RowSequence(options, selection, _ => true, BlockBytes);
        float[] dense = new float[options.Dense.Count];
        long[] sparse = new long[inspection._slots.Count];
        for (RowOutcome outcome = rows.Read(out float label, dense, sparse); outcome != RowOutcome.End; outcome = rows.Read(out label, dense, sparse))
        {
            if (outcome == RowOutcome.Row)
            {
                inspection.Take(label, dense, sparse);
            }
            else
            {
                inspection._bad++;
                inspection._firstBad ??= rows.DescribeBadRow();
            }
        }

        rows.ThrowIfEmpty();
        return inspection;
    }

    /// <summary>The findings as lines of text, the columns as a table.</summary>
    public override string ToString()
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"{_rows:N0} rows, {_bad:N0} malformed\n");
        if (_firstBad is not null)
        {
            text.Append(CultureInfo.InvariantCulture, $"the first of these: {_firstBad.Message}\n");
        }

        if (_rows == 0)
        {
            return text.ToString();
        }

        text.Append(CultureInfo.InvariantCulture, $"column {_options.Label}: mean {_positive / _rows:F5}\n");
        AppendDense(text);
        AppendSparse(text);
        if (Vocabulary() is { } vocabulary)
        {
            text.Append(CultureInfo.InvariantCulture, $"\n--data.vocabulary {vocabulary}\n");
        }

        return text.ToString();
    }

    private void Take(float label, ReadOnlySpan<float> dense, ReadOnlySpan<long> sparse)
    {
        _rows++;
        _positive += label;
        for (int i = 0; i < dense.Length; i++)
        {
            _zeros[i] += dense[i] == 0 ? 1 : 0;
            _smallest[i] = Math.Min(_smallest[i], dense[i]);
            _largest[i] = Math.Max(_largest[i], dense[i]);
            _sums[i] += dense[i];
        }

        for (int i = 0; i < _categories.Length; i++)
        {
            ReadOnlySpan<long> categories = sparse.Slice(_slots.FirstOf(i), _slots.WidthOf(i));

            // The first slot counts, empty or not: then the field is missing.
            int further = categories[1..].IndexOf(SparseSlots.Empty);
            foreach (long category in further < 0 ? categories : categories[..(1 + further)])
            {
                CollectionsMarshal.GetValueRefOrAddDefault(_categories[i], category, out _)++;
            }
        }
    }

    private void AppendDense(StringBuilder text)
    {
        if (_options.Dense.Count > 0)
        {
            text.Append(CultureInfo.InvariantCulture, $"\n{"dense",-NameWidth}{"0 or missing",14}{"smallest",16}{"largest",16}{"mean",16}\n");
        }

        for (int i = 0; i < _options.Dense.Count; i++)
        {
            text.Append(
                CultureInfo.InvariantCulture,
                $"{_options.Dense[i],-NameWidth}{(double)_zeros[i] / _rows,14:P1}{_smallest[i],16:G7}{_largest[i],16:G7}{_sums[i] / _rows,16:G7}\n");
        }
    }

    private void AppendSparse(StringBuilder text)
    {
        text.Append(CultureInfo.InvariantCulture, $"\n{"sparse",-NameWidth}{"missing",14}{"categories",16}{"seen once",16}{"most frequent",16}\n");
        for (int i = 0; i < _options.Sparse.Count; i++)
        {
            Dictionary<long, long> categories = _categories[i];
            long missing = categories.GetValueOrDefault(RowFile.EmptyCategory);
            var present = categories.Where(category => category.Key != RowFile.EmptyCategory).Select(category => category.Value);
            text.Append(
                CultureInfo.InvariantCulture,
                $"{_options.Sparse[i].Name,-NameWidth}{(double)missing / _rows,14:P1}{present.Count(),16:N0}{present.Count(count => count == 1),16:N0}{present.DefaultIfEmpty().Max() / (double)_rows,16:P1}\n");
        }
    }

    /// <summary>The sizes that keep all categories apart where these are small numbers, as label encoding makes them; a missing one is the last key.</summary>
    private string? Vocabulary()
    {
        long[] sizes = new long[_categories.Length];
        for (int i = 0; i < sizes.Length; i++)
        {
            Dictionary<long, long> categories = _categories[i];
            bool hasMissing = categories.ContainsKey(RowFile.EmptyCategory);
            long largest = categories.Keys.Max();
            bool isEncoded = largest < 2L * categories.Count && categories.Keys.All(category => category >= 0 || category == RowFile.EmptyCategory);
            if (!isEncoded)
            {
                return null;
            }

            sizes[i] = Math.Max(1, largest + (hasMissing ? 2 : 1));
        }

        return string.Join(',', sizes);
    }
}
