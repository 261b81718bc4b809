using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace OpenEmbedding.EmbeddingPs.Tables;

/// <summary>From a key to the number of its row: lines of five keys with their rows, linear probing.</summary>
/// <remarks>
/// A line is one cache line, so a search is one wait for memory and one vector comparison, and the row itself is not touched.
/// <code>
///  0       8      16      24      32      40  44  48  52  56  60  64
/// [ key 0 ][ key 1 ][ key 2 ][ key 3 ][ key 4 ][r 0][r 1][r 2][r 3][r 4][   ]     key −1: free; free places are the last of a line
/// </code>
/// The home of a key is hash · lines / 2^64, so that any number of lines will do, and a walk over the lines meets the keys nearly in the
/// order of their hashes: growing is a stream from one memory to the other.
/// </remarks>
internal sealed unsafe partial class KeyIndex : IDisposable
{
    /// <summary>The most rows that a line can number.</summary>
    public const long MostRows = uint.MaxValue;

    private const int LineBytes = 64;
    private const int KeysPerLine = 5;
    private const int RowsOffset = KeysPerLine * sizeof(long);
    private const uint KeyMask = (1 << KeysPerLine) - 1;
    private const long NoKey = -1;
    private const long SmallestLines = 16;

    // On average. With growth by 1.4, a key takes 16 to 22.4 bytes.
    private const long MostKeysPerLine = 4;
    private const double Growth = 1.4;

    private byte* _lines;
    private ulong _lineCount;
    private long _count;

    public KeyIndex()
    {
        Allocate(SmallestLines);
    }

    /// <summary>Keys that it holds.</summary>
    public long Count => _count;

    /// <summary>Bytes of native memory.</summary>
    public long Bytes => (long)_lineCount * LineBytes;

    /// <summary>Places of <see cref="KeyAt"/>.</summary>
    public long Places => (long)_lineCount * KeysPerLine;

    /// <summary>The address where the search for a key begins.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public nint HomeOf(long key) => (nint)(_lines + Math.BigMul(Hash(key), _lineCount, out _) * LineBytes);

    /// <summary>The row of a key if its home line has it; else −1, and the next line is asked for in case that <see cref="Find"/> must look there.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static long FindAtHome(long key, nint home)
    {
        uint equal = Equal((byte*)home, key);
        if (equal != 0)
        {
            return RowOf((byte*)home, equal);
        }

        Prefetch.Line(home + LineBytes);
        return -1;
    }

    /// <summary>The row of a key, −1 if there is none.</summary>
    /// <param name="key">At least 0.</param>
    /// <param name="home">Its <see cref="HomeOf"/>.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public long Find(long key, nint home)
    {
        byte* line = (byte*)home;
        while (true)
        {
            uint equal = Equal(line, key);
            if (equal != 0)
            {
                return RowOf(line, equal);
            }

            if (((long*)line)[KeysPerLine - 1] == NoKey)
            {
                return -1;
            }

            line = Next(line);
        }
    }

    /// <summary>Adds a key that is not there yet; every <see cref="HomeOf"/> before becomes void.</summary>
    public void Add(long key, long row)
    {
        if (_count + 1 > (long)_lineCount * MostKeysPerLine)
        {
            Grow();
        }

        Insert(key, (uint)row);
        _count++;
    }

    /// <summary>Gives a key another row; adds a key that is not there, and then every <see cref="HomeOf"/> before becomes void.</summary>
    /// <returns>The row before, −1 if there was none.</returns>
    public long Set(long key, long row)
    {
        byte* line = (byte*)HomeOf(key);
        while (true)
        {
            uint equal = Equal(line, key);
            if (equal != 0)
            {
                ref uint place = ref ((uint*)(line + RowsOffset))[BitOperations.TrailingZeroCount(equal)];
                long before = place;
                place = (uint)row;
                return before;
            }

            if (((long*)line)[KeysPerLine - 1] == NoKey)
            {
                Add(key, row);
                return -1;
            }

            line = Next(line);
        }
    }

    /// <summary>What is at a place: a key and its row, or key −1.</summary>
    public (long Key, long Row) KeyAt(long place)
    {
        byte* line = _lines + place / KeysPerLine * LineBytes;
        int slot = (int)(place % KeysPerLine);
        return (((long*)line)[slot], ((uint*)(line + RowsOffset))[slot]);
    }

    /// <summary>Frees the memory.</summary>
    public void Dispose()
    {
        NativeMemory.AlignedFree(_lines);
        _lines = null;
        _lineCount = 0;
        _count = 0;
    }

    /// <summary>A bijection of 64 bits (the finalizer of MurmurHash3), other than the one that deals keys to shards.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Hash(long key)
    {
        ulong hash = (ulong)key;
        hash = (hash ^ (hash >> 33)) * 0xFF51AFD7ED558CCD;
        hash = (hash ^ (hash >> 33)) * 0xC4CEB9FE1A85EC53;
        return hash ^ (hash >> 33);
    }

    // A bit for each place of the line that has the key; the last three elements of the vector are rows.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint Equal(byte* line, long key) =>
        (uint)Vector512.Equals(Vector512.Load((long*)line), Vector512.Create(key)).ExtractMostSignificantBits() & KeyMask;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static long RowOf(byte* line, uint equal) => ((uint*)(line + RowsOffset))[BitOperations.TrailingZeroCount(equal)];

    private void Insert(long key, uint row)
    {
        byte* line = (byte*)HomeOf(key);
        while (!TryInsert(line, key, row))
        {
            line = Next(line);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool TryInsert(byte* line, long key, uint row)
    {
        uint free = Equal(line, NoKey);
        if (free == 0)
        {
            return false;
        }

        int slot = BitOperations.TrailingZeroCount(free);
        ((long*)line)[slot] = key;
        ((uint*)(line + RowsOffset))[slot] = row;
        return true;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private byte* Next(byte* line)
    {
        line += LineBytes;
        return line == _lines + _lineCount * LineBytes ? _lines : line;
    }

    private void Grow()
    {
        byte* old = _lines;
        long places = Places;
        Allocate((long)(_lineCount * Growth));
        for (byte* line = old; line < old + places / KeysPerLine * LineBytes; line += LineBytes)
        {
            for (int slot = 0; slot < KeysPerLine && ((long*)line)[slot] != NoKey; slot++)
            {
                Insert(((long*)line)[slot], ((uint*)(line + RowsOffset))[slot]);
            }
        }

        NativeMemory.AlignedFree(old);
    }

    private void Allocate(long lines)
    {
        _lines = (byte*)HugePages.Allocate(lines * LineBytes);
        NativeMemory.Fill(_lines, (nuint)(lines * LineBytes), 0xFF);
        _lineCount = (ulong)lines;
    }
}
