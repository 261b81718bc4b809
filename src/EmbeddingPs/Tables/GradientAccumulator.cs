using System.Numerics;
using OpenEmbedding.Collectives;
using OpenEmbedding.EmbeddingPs.Optimizers;

namespace OpenEmbedding.EmbeddingPs.Tables;

/// <summary>Sums the gradients of several trainers for one table, in the order they are added, then updates each row once.</summary>
/// <remarks>
/// A gradient stays where it is until another one for the same row comes; only then is there a sum.
/// Not thread-safe. Several accumulators of one table may be filled at the same time, one for each open step.
/// </remarks>
public sealed unsafe class GradientAccumulator : IDisposable
{
    private const int Group = EmbeddingTable.Group;

    private readonly int _dimension;
    private readonly int _gradientBytes;
    private readonly RowPlaces _places = new();
    private readonly GradientSums _sums;

    // Distinct rows as they first came, and where the gradient or the sum of each is.
    private long[] _rows = [];
    private nint[] _gradients = [];
    private int _count;

    // Gradients of the only source so far, whose rows are not looked up; 0 once there is another.
    private nint _single;

    /// <summary>Makes an empty accumulator for <paramref name="table"/>.</summary>
    public GradientAccumulator(EmbeddingTable table)
    {
        Table = table;
        _dimension = table.Options.Dimension;
        _gradientBytes = _dimension * (table.Options.ElementType == ElementType.Float32 ? sizeof(float) : sizeof(double));
        _sums = new GradientSums(_gradientBytes);
    }

    /// <summary>The table that <see cref="Apply"/> updates.</summary>
    public EmbeddingTable Table { get; }

    /// <summary>Adds the gradients of one trainer.</summary>
    /// <param name="rows">Row handles of the table, each at most once in one call; −1, which only a table with bounded growth may have, drops the gradient.</param>
    /// <param name="gradients">[rows, Dimension] of the table's element type; must stay unchanged until <see cref="Apply"/> returns, because they are not copied.</param>
    public void Add(ReadOnlySpan<long> rows, nint gradients)
    {
        if (rows.IsEmpty)
        {
            return;
        }

        if (_count == 0 && (Table.Options.Growth is null || !rows.Contains(-1)))
        {
            MakeRoom(rows.Length);
            rows.CopyTo(_rows);
            _count = rows.Length;
            _single = gradients;
            return;
        }

        if (_count == 0)
        {
            _places.Clear();
        }
        else if (_single != 0)
        {
            int first = _count;
            _count = 0;
            _places.Clear();
            Merge(_rows.AsSpan(0, first), _single);
            _single = 0;
        }

        MakeRoom(_count + rows.Length);
        Merge(rows, gradients);
    }

    /// <summary>Updates every row that was added once, with its sum, and starts anew.</summary>
    public void Apply()
    {
        if (_single != 0)
        {
            Table.Apply(_rows.AsSpan(0, _count), _single);
        }
        else
        {
            Table.Apply(_rows.AsSpan(0, _count), _gradients);
        }

        _sums.Clear();
        _count = 0;
        _single = 0;
    }

    /// <summary>Frees the native memory; the table stays.</summary>
    public void Dispose()
    {
        _places.Dispose();
        _sums.Dispose();
    }

    private void Merge(ReadOnlySpan<long> rows, nint gradients)
    {
        if (Table.Options.ElementType == ElementType.Float32)
        {
            Merge<float>(rows, gradients);
        }
        else
        {
            Merge<double>(rows, gradients);
        }
    }

    private void Merge<T>(ReadOnlySpan<long> rows, nint gradients)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        _places.MakeRoom(_count + rows.Length, _rows.AsSpan(0, _count));
        Span<Repeat> repeats = stackalloc Repeat[Group];
        for (int start = 0; start < rows.Length; start += Group)
        {
            var group = rows.Slice(start, Math.Min(Group, rows.Length - start));
            foreach (long row in group)
            {
                _places.Ask(row);
            }

            int count = FindRepeats(group, gradients, repeats);
            for (int i = 0; i < count; i++)
            {
                AddToSum<T>(repeats[i]);
            }

            gradients += group.Length * _gradientBytes;
        }
    }

    /// <summary>Takes up the rows that are new, and lists the others.</summary>
    private int FindRepeats(ReadOnlySpan<long> rows, nint gradients, Span<Repeat> repeats)
    {
        var known = _rows;
        var addresses = _gradients;
        int count = 0;
        int distinct = _count;
        foreach (long row in rows)
        {
            if (row < 0)
            {
                gradients += _gradientBytes;
                continue;
            }

            int place = _places.FindOrAdd(row, known, distinct);
            if (place == distinct)
            {
                known[distinct] = row;
                addresses[distinct++] = gradients;
            }
            else
            {
                repeats[count++] = new Repeat(place, gradients);
                Prefetch.Row(addresses[place], _gradientBytes);
            }

            gradients += _gradientBytes;
        }

        _count = distinct;
        return count;
    }

    private void AddToSum<T>(in Repeat repeat)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        nint left = _gradients[repeat.Place];
        nint sum = _sums.Contains(left) ? left : _sums.Take();
        RowMath.AddScaled((T*)sum, (T*)left, (T*)repeat.Gradient, T.One, _dimension);
        _gradients[repeat.Place] = sum;
    }

    private void MakeRoom(int rows)
    {
        if (rows > _rows.Length)
        {
            int room = Math.Max(rows, (int)Math.Min(Array.MaxLength, 2L * _rows.Length));
            Array.Resize(ref _rows, room);
            Array.Resize(ref _gradients, room);
        }
    }

    private readonly record struct Repeat(int Place, nint Gradient);
}
