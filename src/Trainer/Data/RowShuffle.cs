using System.Buffers.Binary;
using System.IO.Hashing;

namespace OpenEmbedding.Trainer.Data;

/// <summary>In which order the rows of a pass come: blocks of them in the order of the selection, the rows of each shuffled.</summary>
/// <remarks>The order depends on seed, pass and place alone, not on the number of trainers nor on where a pass is taken up.</remarks>
/// <param name="Buffer">Rows of a block, 2 or more; the last block may be shorter.</param>
/// <param name="Seed">The same seed gives the same order.</param>
/// <param name="Pass">The pass over the rows; each has an order of its own.</param>
public sealed record RowShuffle(int Buffer, long Seed, int Pass)
{
    /// <summary>The order of a block (Fisher, Yates).</summary>
    /// <param name="block">The place of the block, from 0.</param>
    /// <param name="rows">Rows of the block.</param>
    /// <returns>By the place of a row in the block of the selection, its place in the shuffled one, [rows].</returns>
    internal int[] PlacesOf(long block, int rows)
    {
        int[] places = [.. Enumerable.Range(0, rows)];
        Span<byte> key = stackalloc byte[sizeof(int) + sizeof(long) + sizeof(int)];
        BinaryPrimitives.WriteInt32LittleEndian(key, Pass);
        BinaryPrimitives.WriteInt64LittleEndian(key[sizeof(int)..], block);
        for (int row = rows - 1; row > 0; row--)
        {
            BinaryPrimitives.WriteInt32LittleEndian(key[^sizeof(int)..], row);
            int other = (int)(XxHash3.HashToUInt64(key, Seed) % (ulong)(row + 1));
            (places[row], places[other]) = (places[other], places[row]);
        }

        return places;
    }
}
