using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace OpenEmbedding.EmbeddingPs.Tables;

/// <summary>Where in a list of distinct rows each row is: open addressing, as large as the list and not as the table, so that it stays in the cache.</summary>
/// <remarks>A place holds an index + 1, 0 if it is empty.</remarks>
internal sealed unsafe class RowPlaces : IDisposable
{
    private const int SmallestCapacity = 64;

    private uint* _places;
    private long _capacity;
    private int _shift;

    /// <summary>Forgets all rows.</summary>
    public void Clear() => NativeMemory.Clear(_places, (nuint)_capacity * sizeof(uint));

    /// <summary>Makes room for a list.</summary>
    /// <param name="count">The most rows that it will have.</param>
    /// <param name="rows">The rows that it has.</param>
    public void MakeRoom(int count, ReadOnlySpan<long> rows)
    {
        // At least half of the places stay empty, so that searches are short.
        if (2L * count <= _capacity)
        {
            return;
        }

        Dispose();
        _capacity = (long)BitOperations.RoundUpToPowerOf2((ulong)Math.Max(SmallestCapacity, 2L * count));
        _places = (uint*)HugePages.Allocate(_capacity * sizeof(uint));
        _shift = 64 - BitOperations.Log2((ulong)_capacity);
        Clear();
        for (int i = 0; i < rows.Length; i++)
        {
            FindOrAdd(rows[i], rows, i);
        }
    }

    /// <summary>Asks for the place where the search for a row begins.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Ask(long row) => Prefetch.Line((nint)(_places + HomeOf(row)));

    /// <summary>The index of a row in the list, of which the first <paramref name="count"/> are valid; <paramref name="count"/> if it is new, and known from now on.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int FindOrAdd(long row, ReadOnlySpan<long> rows, int count)
    {
        long place = HomeOf(row);
        while (true)
        {
            uint entry = _places[place];
            if (entry == 0)
            {
                _places[place] = (uint)count + 1;
                return count;
            }

            if (rows[(int)entry - 1] == row)
            {
                return (int)entry - 1;
            }

            place = (place + 1) & (_capacity - 1);
        }
    }

    /// <summary>Frees the memory.</summary>
    public void Dispose()
    {
        NativeMemory.AlignedFree(_places);
        _places = null;
        _capacity = 0;
    }

    // Row numbers often follow each other; a product with the golden ratio spreads them, and its upper bits are the well mixed ones.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private long HomeOf(long row) => (long)((ulong)row * 0x9E3779B97F4A7C15 >> _shift);
}
