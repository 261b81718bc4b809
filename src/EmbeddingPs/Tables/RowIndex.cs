using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace OpenEmbedding.EmbeddingPs.Tables;

/// <summary>From the hash of a key to the number of its row: open addressing, linear probing, no deletion.</summary>
/// <remarks>
/// An entry has no key but 32 bits of its hash; the caller compares the key in the row, which it is about to use anyway.
/// <code>
/// 63          32 31           0
/// [ tag (hash) ][ row + 1     ]     0: empty
/// </code>
/// Eight entries share a cache line. An entry's home is given by the low bits of the hash, which the tag does not hold.
/// </remarks>
internal sealed unsafe class RowIndex : IDisposable
{
    /// <summary>The most rows that entries can number.</summary>
    public const long MostRows = uint.MaxValue - 1L;

    private const long SmallestCapacity = 1 << 10;

    private ulong* _entries;
    private ulong _mask;

    public RowIndex()
    {
        Allocate(SmallestCapacity);
    }

    /// <summary>Bytes of native memory.</summary>
    public long Bytes => _entries == null ? 0 : Capacity * sizeof(ulong);

    private long Capacity => (long)_mask + 1;

    /// <summary>The address where the search for a hash begins.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public nint HomeOf(ulong hash) => (nint)(_entries + (hash & _mask));

    /// <summary>The first row whose tag fits, −1 if there is none.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public long FindCandidate(ulong hash)
    {
        long place = FirstPlace(hash);
        return NextCandidate(hash, ref place);
    }

    /// <summary>Where a search for all candidates starts.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public long FirstPlace(ulong hash) => (long)(hash & _mask);

    /// <summary>The next row whose tag fits, −1 if there is none; moves <paramref name="place"/> behind it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public long NextCandidate(ulong hash, ref long place)
    {
        while (true)
        {
            ulong entry = _entries[place];
            if (entry == 0)
            {
                return -1;
            }

            place = (place + 1) & (long)_mask;
            if (entry >> 32 == hash >> 32)
            {
                return (long)(uint)entry - 1;
            }
        }
    }

    /// <summary>Whether one more than <paramref name="rows"/> would make searches long.</summary>
    public bool IsFull(long rows) => rows + 1 > Capacity / 4 * 3;

    /// <summary>Adds a row that is not there yet; the index must not be full.</summary>
    public void Insert(ulong hash, long row)
    {
        ulong place = hash & _mask;
        while (_entries[place] != 0)
        {
            place = (place + 1) & _mask;
        }

        _entries[place] = (hash >> 32 << 32) | (uint)(row + 1);
    }

    /// <summary>Doubles the room and forgets every row: the caller inserts them again.</summary>
    public void Grow()
    {
        long capacity = 2 * Capacity;

        // The old entries go first: the rows hold all that is needed.
        Dispose();
        Allocate(capacity);
    }

    /// <summary>Frees the memory.</summary>
    public void Dispose()
    {
        NativeMemory.AlignedFree(_entries);
        _entries = null;
    }

    private void Allocate(long capacity)
    {
        _entries = (ulong*)HugePages.Allocate(capacity * sizeof(ulong));
        NativeMemory.Clear(_entries, (nuint)(capacity * sizeof(ulong)));
        _mask = (ulong)capacity - 1;
    }
}
