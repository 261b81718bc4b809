using System.Runtime.InteropServices;

namespace OpenEmbedding.EmbeddingPs.Tables;

/// <content>Many keys at once.</content>
internal sealed unsafe partial class KeyIndex
{
    // Smaller memory is touched sooner than threads begin to help.
    private const long SmallestPrefault = 16 << 20;
    private const long FillBytes = 1 << 20;

    /// <summary>Makes an empty index large enough for a number of keys.</summary>
    public void Reserve(long keys)
    {
        long lines = keys / MostKeysPerLine + 1;
        if (_count > 0 || lines <= (long)_lineCount)
        {
            return;
        }

        NativeMemory.AlignedFree(_lines);
        long bytes = lines * LineBytes;
        _lines = (byte*)HugePages.Allocate(bytes);
        _lineCount = (ulong)lines;
        using var prefaulter = bytes >= SmallestPrefault ? new Prefaulter((nint)_lines, bytes) : null;
        for (long start = 0; start < bytes; start += FillBytes)
        {
            NativeMemory.Fill(_lines + start, (nuint)Math.Min(FillBytes, bytes - start), 0xFF);
            prefaulter?.FilledTo((nint)(_lines + start));
        }
    }

    /// <summary>Adds different keys that are not there yet; every <see cref="HomeOf"/> before becomes void.</summary>
    /// <param name="keys">The keys, at most a group.</param>
    /// <param name="rows">Their rows.</param>
    public void Add(ReadOnlySpan<long> keys, ReadOnlySpan<uint> rows)
    {
        while (_count + keys.Length > (long)_lineCount * MostKeysPerLine)
        {
            Grow();
        }

        nint* homes = stackalloc nint[EmbeddingTable.Group];
        for (int i = 0; i < keys.Length; i++)
        {
            homes[i] = HomeOf(keys[i]);
            Prefetch.Line(homes[i]);
        }

        // In a full index every third home is full: those keys wait until the lines behind are there too.
        int* open = stackalloc int[EmbeddingTable.Group];
        int openCount = 0;
        for (int i = 0; i < keys.Length; i++)
        {
            if (!TryInsert((byte*)homes[i], keys[i], rows[i]))
            {
                Prefetch.Line(homes[i] + LineBytes);
                open[openCount++] = i;
            }
        }

        for (int i = 0; i < openCount; i++)
        {
            Insert(keys[open[i]], rows[open[i]]);
        }

        _count += keys.Length;
    }
}
