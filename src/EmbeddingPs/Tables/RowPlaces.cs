using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace OpenEmbedding.EmbeddingPs.Tables;

/// <summary>Where in a list of distinct rows each row is: open addressing, as large as the list and not as the table, so that it stays in the cache.</summary>
/// <remarks>
/// What older lists wrote counts as empty, so that nothing is cleared between steps.
/// <code>
/// 63      32 31      0
/// [ stamp  ][ index  ]
/// </code>
/// </remarks>
internal sealed unsafe class RowPlaces : IDisposable
{
    private const int SmallestCapacity = 64;

    private ulong* _places;
    private int _shift;
    private uint _mask;
    private uint _stamp;

    /// <summary>Forgets all rows.</summary>
    public void Clear()
    {
        if (++_stamp == 0)
        {
            NativeMemory.Clear(_places, (nuint)Capacity * sizeof(ulong));
            _stamp = 1;
        }
    }

    private long Capacity => _places == null ? 0 : (long)_mask + 1;

    /// <summary>Makes room for a list.</summary>
    /// <param name="count">The most rows that it will have.</param>
    /// <param name="rows">The rows that it has.</param>
    public void MakeRoom(int count, ReadOnlySpan<long> rows)
    {
        // At least half of the places stay empty, so that searches are short.
        if (2L * count <= Capacity)
        {
            return;
        }

        long capacity = (long)BitOperations.RoundUpToPowerOf2((ulong)Math.Max(SmallestCapacity, 2L * count));
        Dispose();
        _places = (ulong*)HugePages.Allocate(capacity * sizeof(ulong));
        NativeMemory.Clear(_places, (nuint)capacity * sizeof(ulong));
        _shift = 64 - BitOperations.Log2((ulong)capacity);
        _mask = (uint)(capacity - 1);
        _stamp = 1;
        for (int i = 0; i < rows.Length; i++)
        {
            FindOrAdd(rows[i], rows, i);
        }
    }

    /// <summary>Asks for the places of rows that are looked up next.</summary>
    public void Prefetch(ReadOnlySpan<long> rows)
    {
        foreach (long row in rows)
        {
            Tables.Prefetch.Line((nint)(_places + HomeOf(row)));
        }
    }

    /// <summary>The index of a row in the list, of which the first <paramref name="count"/> are valid; <paramref name="count"/> if it is new, and known from now on.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int FindOrAdd(long row, ReadOnlySpan<long> rows, int count)
    {
        uint place = HomeOf(row);
        while (true)
        {
            ulong entry = _places[place];
            if (entry >> 32 != _stamp)
            {
                _places[place] = (ulong)_stamp << 32 | (uint)count;
                return count;
            }

            if (rows[(int)(uint)entry] == row)
            {
                return (int)(uint)entry;
            }

            place = (place + 1) & _mask;
        }
    }

    /// <summary>Frees the memory.</summary>
    public void Dispose()
    {
        NativeMemory.AlignedFree(_places);
        _places = null;
    }

    // Row numbers often follow each other; a product with the golden ratio spreads them, and its upper bits are the well mixed ones.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private uint HomeOf(long row) => (uint)((ulong)row * 0x9E3779B97F4A7C15 >> _shift);
}
