using System.Numerics;
using System.Runtime.InteropServices;
using OpenEmbedding.Collectives;
using OpenEmbedding.EmbeddingPs.Optimizers;

namespace OpenEmbedding.EmbeddingPs.Tables;

/// <summary>Sums the gradients of several trainers for one table, in the order they are added, then updates each row once.</summary>
/// <remarks>
/// Adding only notes where the gradients of each row are; they are summed when their row is updated, so that a sum never leaves the cache.
/// Not thread-safe. Several accumulators of one table may be filled at the same time, one for each open step.
/// </remarks>
public sealed unsafe class GradientAccumulator : IDisposable
{
    private const int Group = EmbeddingTable.Group;

    private readonly int _dimension;
    private readonly int _gradientBytes;
    private readonly RowPlaces _places = new();

    // The sums of a group of rows.
    private readonly nint _sums;

    // Distinct rows as they first came, and the gradients of each: the first, and a chain of the others in the order they were added.
    private long[] _rows = [];
    private Gradients[] _gradients = [];
    private int _count;
    private Link[] _links = [];
    private int _linkCount;

    // Gradients of the only source so far, whose rows are not looked up; 0 once there is another.
    private nint _single;

    /// <summary>Makes an empty accumulator for <paramref name="table"/>.</summary>
    public GradientAccumulator(EmbeddingTable table)
    {
        Table = table;
        _dimension = table.Options.Dimension;
        _gradientBytes = _dimension * (table.Options.ElementType == ElementType.Float32 ? sizeof(float) : sizeof(double));
        _sums = HugePages.Allocate((long)Group * _gradientBytes);
    }

    /// <summary>The table that <see cref="Apply"/> updates.</summary>
    public EmbeddingTable Table { get; }

    /// <summary>Adds the gradients of one trainer.</summary>
    /// <param name="rows">Row handles of the table, each at most once in one call.</param>
    /// <param name="gradients">[rows, Dimension] of the table's element type; must stay unchanged until <see cref="Apply"/> returns, because they are not copied.</param>
    public void Add(ReadOnlySpan<long> rows, nint gradients)
    {
        if (rows.IsEmpty)
        {
            return;
        }

        if (_count == 0)
        {
            MakeRoom(rows.Length);
            rows.CopyTo(_rows);
            _count = rows.Length;
            _single = gradients;
            return;
        }

        if (_single != 0)
        {
            int first = _count;
            _count = 0;
            _places.Clear();
            Note(_rows.AsSpan(0, first), _single);
            _single = 0;
        }

        MakeRoom(_count + rows.Length);
        Note(rows, gradients);
    }

    /// <summary>Updates every row that was added once, with its sum, and starts anew.</summary>
    public void Apply()
    {
        if (_single != 0)
        {
            Table.Apply(_rows.AsSpan(0, _count), _single);
        }
        else if (Table.Options.ElementType == ElementType.Float32)
        {
            ApplySums<float>();
        }
        else
        {
            ApplySums<double>();
        }

        _count = 0;
        _linkCount = 0;
        _single = 0;
    }

    /// <summary>Frees the native memory; the table stays.</summary>
    public void Dispose()
    {
        _places.Dispose();
        NativeMemory.AlignedFree((void*)_sums);
    }

    private void Note(ReadOnlySpan<long> rows, nint gradients)
    {
        _places.MakeRoom(_count + rows.Length, _rows.AsSpan(0, _count));
        for (int start = 0; start < rows.Length; start += Group)
        {
            var group = rows.Slice(start, Math.Min(Group, rows.Length - start));
            _places.Prefetch(group);
            foreach (long row in group)
            {
                int place = _places.FindOrAdd(row, _rows, _count);
                if (place == _count)
                {
                    _rows[_count] = row;
                    _gradients[_count++] = new Gradients { First = gradients, FirstLink = -1 };
                }
                else
                {
                    Chain(ref _gradients[place], gradients);
                }

                gradients += _gradientBytes;
            }
        }
    }

    private void Chain(ref Gradients of, nint gradient)
    {
        if (_linkCount == _links.Length)
        {
            Array.Resize(ref _links, Math.Max(Group, 2 * _linkCount));
        }

        _links[_linkCount] = new Link { Gradient = gradient, Next = -1 };
        if (of.FirstLink < 0)
        {
            of.FirstLink = _linkCount;
        }
        else
        {
            _links[of.LastLink].Next = _linkCount;
        }

        of.LastLink = _linkCount++;
    }

    private void ApplySums<T>()
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        nint* gradients = stackalloc nint[Group];
        for (int start = 0; start < _count; start += Group)
        {
            int count = Math.Min(Group, _count - start);
            var group = _gradients.AsSpan(start, count);
            PrefetchLinks(group);
            nint sum = _sums;
            for (int i = 0; i < count; i++)
            {
                gradients[i] = group[i].First;
                if (group[i].FirstLink >= 0)
                {
                    Sum((T*)sum, group[i]);
                    gradients[i] = sum;
                    sum += _gradientBytes;
                }
            }

            Table.Apply(_rows.AsSpan(start, count), gradients);
        }
    }

    // First gradients come in the order of memory, the others do not.
    private void PrefetchLinks(ReadOnlySpan<Gradients> group)
    {
        foreach (ref readonly var of in group)
        {
            if (of.FirstLink >= 0)
            {
                Tables.Prefetch.Row(_links[of.FirstLink].Gradient, _gradientBytes);
            }
        }
    }

    private void Sum<T>(T* sum, in Gradients of)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        T* left = (T*)of.First;
        for (int link = of.FirstLink; link >= 0; link = _links[link].Next)
        {
            RowMath.AddScaled(sum, left, (T*)_links[link].Gradient, T.One, _dimension);
            left = sum;
        }
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

    private struct Gradients
    {
        public nint First;
        public int FirstLink;
        public int LastLink;
    }

    private struct Link
    {
        public nint Gradient;
        public int Next;
    }
}
