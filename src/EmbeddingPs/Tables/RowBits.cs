using System.Numerics;
using System.Runtime.CompilerServices;

namespace OpenEmbedding.EmbeddingPs.Tables;

/// <summary>A set of row numbers: a bit for each, in blocks that take memory when first needed.</summary>
/// <remarks>A walk over the set goes by places: place p is a word of 64 rows, and places number the words of the blocks in the order in which the blocks were made.</remarks>
internal sealed unsafe class RowBits(long rowLimit) : IDisposable
{
    private const long BlockBytes = 4 << 10;
    private const int WordShift = 6;

    private readonly RowBlocks _words = new((rowLimit >> WordShift) + 1, sizeof(ulong), BlockBytes, zeroed: true);
    private readonly List<long> _blocks = [];

    /// <summary>Bytes of memory.</summary>
    public long Bytes => _words.Bytes;

    /// <summary>How many places a walk has.</summary>
    public long Places => _blocks.Count * _words.RowsPerBlock;

    /// <summary>The rows of a word: bit i is row <paramref name="word"/> · 64 + i.</summary>
    public ulong this[long word]
    {
        get => _words.Find(word) is var address && address != 0 ? *(ulong*)address : 0;
        set
        {
            if (value != 0 || _words.Find(word) != 0)
            {
                *(ulong*)FindOrAdd(word) = value;
            }
        }
    }

    /// <summary>Whether a row is in the set.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool Contains(long row) => Contains(_words.Find(row >> WordShift), row);

    /// <summary>Asks for the word that says whether a row is in the set.</summary>
    /// <returns>Its address for <see cref="Contains(nint, long)"/>, until a row is added.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public nint Ask(long row)
    {
        nint word = _words.Find(row >> WordShift);
        Prefetch.Line(word);
        return word;
    }

    /// <summary>Whether a row is in the set.</summary>
    /// <param name="word">What <see cref="Ask"/> gave for it.</param>
    /// <param name="row">The row.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Contains(nint word, long row) => word != 0 && (*(ulong*)word >> (int)row & 1) != 0;

    /// <summary>Puts a row into the set.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Add(long row) => *(ulong*)FindOrAdd(row >> WordShift) |= 1UL << (int)row;

    /// <summary>Takes a row out of the set.</summary>
    /// <returns>Whether it was there.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool Remove(long row)
    {
        nint word = _words.Find(row >> WordShift);
        ulong bit = 1UL << (int)row;
        if (word == 0 || (*(ulong*)word & bit) == 0)
        {
            return false;
        }

        *(ulong*)word &= ~bit;
        return true;
    }

    /// <summary>The word at a place.</summary>
    public long WordAt(long place) => (_blocks[(int)_words.BlockOf(place)] * _words.RowsPerBlock) + (place % _words.RowsPerBlock);

    /// <summary>Takes rows out of the set in the order of the walk.</summary>
    /// <param name="place">Where to look first; none before has a row. Receives where to go on.</param>
    /// <param name="rows">Receives the rows.</param>
    /// <returns>How many; fewer than there is room for when none are left.</returns>
    public int TakeFrom(ref long place, Span<long> rows)
    {
        int count = 0;
        for (; place < Places; place++)
        {
            long word = WordAt(place);
            ulong bits = this[word];
            for (; bits != 0 && count < rows.Length; bits &= bits - 1)
            {
                rows[count++] = (word << WordShift) + BitOperations.TrailingZeroCount(bits);
            }

            this[word] = bits;
            if (count == rows.Length)
            {
                break;
            }
        }

        return count;
    }

    /// <inheritdoc/>
    public void Dispose() => _words.Dispose();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private nint FindOrAdd(long word)
    {
        nint address = _words.Find(word);
        return address != 0 ? address : AddBlock(word);
    }

    private nint AddBlock(long word)
    {
        long block = _words.BlockOf(word);
        _words.Add(block);
        _blocks.Add(block);
        return _words.Find(word);
    }
}
