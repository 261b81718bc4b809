using System.Numerics;
using System.Runtime.InteropServices;
using OpenEmbedding.Collectives;
using OpenEmbedding.EmbeddingPs.Optimizers;

namespace OpenEmbedding.EmbeddingPs.Tables;

/// <summary>Sums the gradients of several trainers for one table, in the order they are added, then updates each row once.</summary>
/// <remarks>Not thread-safe. Several accumulators of one table may be filled at the same time, one for each open step.</remarks>
public sealed unsafe class GradientAccumulator : IDisposable
{
    private const int Group = 512;
    private const long PlaceBlockBytes = 16 << 10;

    private readonly int _dimension;
    private readonly int _gradientBytes;

    // Where the sum of a row is, by row number. Never cleared: a place counts only if _rows has that very row there.
    private readonly RowBlocks _places;

    private long[] _rows = [];
    private int _count;
    private nint _sums;
    private long _room;

    // Gradients of the only source so far, not copied; 0 once they are in _sums.
    private nint _single;

    /// <summary>Makes an empty accumulator for <paramref name="table"/>.</summary>
    public GradientAccumulator(EmbeddingTable table)
    {
        Table = table;
        _dimension = table.Options.Dimension;
        _gradientBytes = _dimension * (table.Options.ElementType == ElementType.Float32 ? sizeof(float) : sizeof(double));
        _places = new RowBlocks(table.RowLimit, sizeof(int), PlaceBlockBytes, withFlags: false);
    }

    /// <summary>The table that <see cref="Apply"/> updates.</summary>
    public EmbeddingTable Table { get; }

    /// <summary>Adds the gradients of one trainer.</summary>
    /// <param name="rows">Row handles of the table, each at most once in one call.</param>
    /// <param name="gradients">[rows, Dimension] of the table's element type; must stay unchanged until <see cref="Apply"/> returns, because a first source is not copied.</param>
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
            CopySingle();
        }

        MakeRoom(_count + rows.Length);
        MakeSumRoom();
        if (Table.Options.ElementType == ElementType.Float32)
        {
            Merge<float>(rows, (byte*)gradients);
        }
        else
        {
            Merge<double>(rows, (byte*)gradients);
        }
    }

    /// <summary>Updates every row that was added once, with its sum, and starts anew.</summary>
    public void Apply()
    {
        Table.Apply(_rows.AsSpan(0, _count), _single != 0 ? _single : _sums);
        _count = 0;
        _single = 0;
    }

    /// <summary>Frees the native memory; the table stays.</summary>
    public void Dispose()
    {
        _places.Dispose();
        NativeMemory.AlignedFree((void*)_sums);
        _sums = 0;
        _room = 0;
        _count = 0;
        _single = 0;
    }

    private void CopySingle()
    {
        MakeSumRoom();
        Buffer.MemoryCopy((void*)_single, (void*)_sums, _room, (long)_count * _gradientBytes);
        _single = 0;
        for (int i = 0; i < _count; i++)
        {
            *Place(_rows[i]) = i;
        }
    }

    private void Merge<T>(ReadOnlySpan<long> rows, byte* gradients)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        // Places lie apart from each other like the rows: ask for all of them, then look.
        nint* places = stackalloc nint[Group];
        for (int start = 0; start < rows.Length; start += Group)
        {
            var group = rows.Slice(start, Math.Min(Group, rows.Length - start));
            for (int i = 0; i < group.Length; i++)
            {
                places[i] = (nint)Place(group[i]);
                Prefetch.Line(places[i]);
            }

            for (int i = 0; i < group.Length; i++)
            {
                int place = *(int*)places[i];
                byte* sum;
                if ((uint)place < (uint)_count && _rows[place] == group[i])
                {
                    sum = (byte*)_sums + (long)place * _gradientBytes;
                    RowMath.AddScaled((T*)sum, (T*)sum, (T*)gradients, T.One, _dimension);
                }
                else
                {
                    *(int*)places[i] = _count;
                    sum = (byte*)_sums + (long)_count * _gradientBytes;
                    RowCopy.Copy(gradients, sum, _gradientBytes);
                    _rows[_count++] = group[i];
                }

                gradients += _gradientBytes;
            }
        }
    }

    private int* Place(long row)
    {
        _places.FindOrAdd(_places.BlockOf(row));
        return (int*)_places.Address(row);
    }

    private void MakeRoom(int rows)
    {
        if (rows > _rows.Length)
        {
            Array.Resize(ref _rows, Math.Max(rows, 2 * _rows.Length));
        }
    }

    private void MakeSumRoom()
    {
        // As many sums as _rows has room for.
        long bytes = (long)_rows.Length * _gradientBytes;
        if (bytes > _room)
        {
            nint sums = HugePages.Allocate(bytes);
            if (_single == 0)
            {
                Buffer.MemoryCopy((void*)_sums, (void*)sums, bytes, (long)_count * _gradientBytes);
            }

            NativeMemory.AlignedFree((void*)_sums);
            _sums = sums;
            _room = bytes;
        }
    }
}
