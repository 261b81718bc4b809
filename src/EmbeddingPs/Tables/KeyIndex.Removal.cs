using System.Numerics;
using System.Runtime.InteropServices;

namespace OpenEmbedding.EmbeddingPs.Tables;

/// <content>Keys that leave. The memory stays.</content>
internal sealed unsafe partial class KeyIndex
{
    /// <summary>Takes a key out; every <see cref="HomeOf"/> stays valid.</summary>
    /// <returns>Its row, −1 if it was not there.</returns>
    public long Remove(long key)
    {
        byte* line = (byte*)HomeOf(key);
        while (true)
        {
            uint equal = Equal(line, key);
            if (equal != 0)
            {
                long row = RowOf(line, equal);
                Free(line, BitOperations.TrailingZeroCount(equal));
                _count--;
                return row;
            }

            if (!IsFull(line))
            {
                return -1;
            }

            line = Next(line);
        }
    }

    /// <summary>Takes all keys out.</summary>
    public void Clear()
    {
        NativeMemory.Fill(_lines, (nuint)Bytes, 0xFF);
        _count = 0;
    }

    private static bool IsFull(byte* line) => ((long*)line)[KeysPerLine - 1] != NoKey;

    /// <summary>Frees a place. A search does not go beyond a line with a free one, so a key from behind whose search passes a line that was full moves there, and leaves a free place further on.</summary>
    private void Free(byte* line, int slot)
    {
        bool wasFull = IsFull(line);
        CloseGap(line, slot);
        byte* behind = line;
        while (wasFull)
        {
            behind = Next(behind);
            int passes = FindPassing(line, behind);
            if (passes >= 0)
            {
                ((long*)line)[KeysPerLine - 1] = ((long*)behind)[passes];
                ((uint*)(line + RowsOffset))[KeysPerLine - 1] = ((uint*)(behind + RowsOffset))[passes];
                wasFull = IsFull(behind);
                CloseGap(behind, passes);
                line = behind;
            }
            else if (!IsFull(behind))
            {
                return;
            }
        }
    }

    /// <summary>Puts the last key of a line into a place, so that the free places are the last ones.</summary>
    private static void CloseGap(byte* line, int slot)
    {
        int last = KeysPerLine - BitOperations.PopCount(Equal(line, NoKey)) - 1;
        ((long*)line)[slot] = ((long*)line)[last];
        ((uint*)(line + RowsOffset))[slot] = ((uint*)(line + RowsOffset))[last];
        ((long*)line)[last] = NoKey;
    }

    /// <summary>The place of a key in line <paramref name="behind"/> whose search passes <paramref name="line"/>, −1 if there is none.</summary>
    private int FindPassing(byte* line, byte* behind)
    {
        for (int slot = 0; slot < KeysPerLine && ((long*)behind)[slot] != NoKey; slot++)
        {
            byte* home = (byte*)HomeOf(((long*)behind)[slot]);
            if (BytesBetween(home, behind) >= BytesBetween(line, behind))
            {
                return slot;
            }
        }

        return -1;
    }

    // Behind the last line comes the first.
    private long BytesBetween(byte* line, byte* behind) => behind >= line ? behind - line : behind - line + Bytes;
}
