using System.Numerics;
using OpenEmbedding.Collectives;
using OpenEmbedding.EmbeddingPs.Optimizers;
using OpenEmbedding.EmbeddingPs.Tables;

namespace OpenEmbedding.EmbeddingPs.HotRows;

/// <summary>The rows of one table that every trainer holds, by slot, and the place of their gradients in the sums of a step.</summary>
/// <remarks>
/// A row that no trainer touches must not move, whatever the optimizer, and a touched one must even if its gradient is 0. The sums tell the
/// two apart without a mark that would have to travel: they start as −0, the number that changes nothing it is added to, and −0 + −0 is the
/// only sum that gives −0 again. A touched row's first element is never −0, because +0 was added to it.
/// </remarks>
internal sealed unsafe class ReplicatedRows : IDisposable
{
    private const int MostAtOnce = 1 << 24;

    private readonly int _dimension;
    private readonly int _gradientBytes;
    private long[] _touched = [];
    private long[] _rows = [];
    private nint _sums;

    /// <summary>Takes the rows of an array table that has one key for each slot.</summary>
    public ReplicatedRows(EmbeddingTable table)
    {
        Table = table;
        _dimension = table.Options.Dimension;
        _gradientBytes = _dimension * table.Options.ElementType.SizeOf();
    }

    /// <summary>The rows; the key is the slot.</summary>
    public EmbeddingTable Table { get; }

    /// <summary>The number of slots.</summary>
    public long Slots => Table.Options.Vocabulary;

    /// <summary>The elements of the sums.</summary>
    public long Elements => Slots * _dimension;

    /// <summary>Gives the sums their place, room for <see cref="Elements"/>, and clears them.</summary>
    public void Place(nint sums)
    {
        _sums = sums;
        Clear();
    }

    /// <summary>Copies weights; stores nothing.</summary>
    /// <param name="slots">The rows; a slot that was never touched reads as its initial value if there are no places.</param>
    /// <param name="places">The place of each row in <paramref name="destination"/>, in rows; without any, one after the other.</param>
    /// <param name="destination">Receives rows of weights.</param>
    public void Read(ReadOnlySpan<long> slots, ReadOnlySpan<int> places, nint destination)
    {
        if (places.IsEmpty)
        {
            Table.Read(slots, destination);
        }
        else
        {
            Table.Scatter(slots, places, destination);
        }
    }

    /// <summary>Adds gradients of this trainer.</summary>
    /// <param name="slots">Each at most once.</param>
    /// <param name="places">The place of each slot's gradient in <paramref name="gradients"/>, in rows; without any, one after the other.</param>
    /// <param name="gradients">Rows of gradients.</param>
    public void Add(ReadOnlySpan<long> slots, ReadOnlySpan<int> places, nint gradients)
    {
        if (Table.Options.ElementType == ElementType.Float32)
        {
            Add(slots, places, (float*)gradients);
        }
        else
        {
            Add(slots, places, (double*)gradients);
        }
    }

    /// <summary>Updates the rows that any trainer touched, once the sums are those of all, and clears the sums.</summary>
    /// <param name="step">Steps applied with this one, counted from the start of training.</param>
    public void Apply(long step)
    {
        Table.Step = step;
        if (_touched.Length < Slots)
        {
            _touched = new long[Slots];
            _rows = new long[Slots];
        }

        int count = Table.Options.ElementType == ElementType.Float32 ? Compact((float*)_sums) : Compact((double*)_sums);
        Table.FindOrAdd(_touched.AsSpan(0, count), _rows);
        Table.Apply(_rows.AsSpan(0, count), _sums);
        Clear();
    }

    public void Dispose() => Table.Dispose();

    private void Add<T>(ReadOnlySpan<long> slots, ReadOnlySpan<int> places, T* gradients)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        for (int i = 0; i < slots.Length; i++)
        {
            T* sum = (T*)_sums + (slots[i] * _dimension);
            RowMath.AddScaled(sum, sum, gradients + ((places.IsEmpty ? i : places[i]) * (long)_dimension), T.One, _dimension);
            *sum += T.Zero;
        }
    }

    /// <summary>Moves the sums of touched rows together and notes their slots.</summary>
    private int Compact<T>(T* sums)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        int count = 0;
        T* next = sums;
        for (long slot = 0; slot < Slots; slot++)
        {
            T* sum = sums + (slot * _dimension);
            if (*sum == T.Zero && T.IsNegative(*sum))
            {
                continue;
            }

            if (next != sum)
            {
                RowCopy.Copy((byte*)sum, (byte*)next, _gradientBytes);
            }

            next += _dimension;
            _touched[count++] = slot;
        }

        return count;
    }

    private void Clear()
    {
        if (Table.Options.ElementType == ElementType.Float32)
        {
            Clear((float*)_sums);
        }
        else
        {
            Clear((double*)_sums);
        }
    }

    private void Clear<T>(T* sums)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        // A span has fewer elements than a large table.
        for (long done = 0; done < Elements; done += MostAtOnce)
        {
            new Span<T>(sums + done, (int)Math.Min(MostAtOnce, Elements - done)).Fill(T.NegativeZero);
        }
    }
}
