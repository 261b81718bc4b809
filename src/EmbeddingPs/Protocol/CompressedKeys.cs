using System.Buffers;
using K4os.Compression.LZ4;

namespace OpenEmbedding.EmbeddingPs.Protocol;

/// <summary>Keys as LZ4 compresses them well: the bytes of equal weight together, so that the zeros of small keys are runs.</summary>
/// <remarks>
/// <code>
/// { int32 bytes, LZ4 block } for each 16384 keys and for the rest
///   uncompressed: [ lowest byte of every key ][ next byte of every key ] … [ highest byte of every key ]
/// </code>
/// Keys are not sorted: that would halve what is left of them once more, but cost more than a millisecond a step and a permutation of the rows.
/// </remarks>
internal static unsafe class CompressedKeys
{
    private const int BlockKeys = 1 << 14;
    private const int KeyBytes = sizeof(long);

    // A byte of an LZ4 block stands for at most 255 bytes.
    private const int MostKeysPerByte = 255 / KeyBytes + 1;

    /// <summary>The most bytes that <see cref="Write"/> writes.</summary>
    public static long LargestBytes(long keys)
    {
        long blocks = (keys + BlockKeys - 1) / BlockKeys;
        return blocks * (sizeof(int) + LZ4Codec.MaximumOutputSize(BlockKeys * KeyBytes));
    }

    /// <summary>Compresses keys.</summary>
    /// <param name="keys">The keys, in any order, which stays.</param>
    /// <param name="destination">Room for <see cref="LargestBytes"/>.</param>
    /// <returns>The bytes written.</returns>
    public static long Write(ReadOnlySpan<long> keys, byte* destination)
    {
        byte* place = destination;
        byte[] planes = ArrayPool<byte>.Shared.Rent(BlockKeys * KeyBytes);
        for (int start = 0; start < keys.Length; start += BlockKeys)
        {
            var block = keys.Slice(start, Math.Min(BlockKeys, keys.Length - start));
            Split(block, planes);
            int room = LZ4Codec.MaximumOutputSize(block.Length * KeyBytes);
            int bytes = LZ4Codec.Encode(planes.AsSpan(0, block.Length * KeyBytes), new Span<byte>(place + sizeof(int), room));
            *(int*)place = bytes;
            place += sizeof(int) + bytes;
        }

        ArrayPool<byte>.Shared.Return(planes);
        return place - destination;
    }

    /// <summary>Whether so many bytes can hold so many keys, so that room is made for no more than a message can bring.</summary>
    public static bool CanHold(long bytes, long keys) => keys / MostKeysPerByte <= bytes;

    /// <summary>Decompresses keys.</summary>
    /// <param name="source">What <see cref="Write"/> wrote.</param>
    /// <param name="bytes">The bytes there are.</param>
    /// <param name="keys">Receives the keys.</param>
    /// <returns>The bytes read; −1 if they do not hold as many keys.</returns>
    public static long Read(byte* source, long bytes, Span<long> keys)
    {
        byte* place = source;
        byte* end = source + bytes;
        bool fits = true;
        byte[] planes = ArrayPool<byte>.Shared.Rent(BlockKeys * KeyBytes);
        for (int start = 0; fits && start < keys.Length; start += BlockKeys)
        {
            var block = keys.Slice(start, Math.Min(BlockKeys, keys.Length - start));
            int length = end - place >= sizeof(int) ? *(int*)place : -1;
            fits = length >= 0 && length <= end - place - sizeof(int);
            if (fits)
            {
                var target = planes.AsSpan(0, block.Length * KeyBytes);
                fits = LZ4Codec.Decode(new ReadOnlySpan<byte>(place + sizeof(int), length), target) == target.Length;
                place += sizeof(int) + length;
                Join(planes, block);
            }
        }

        ArrayPool<byte>.Shared.Return(planes);
        return fits ? place - source : -1;
    }

    private static void Split(ReadOnlySpan<long> keys, Span<byte> planes)
    {
        int count = keys.Length;
        for (int plane = 0; plane < KeyBytes; plane++)
        {
            var bytes = planes.Slice(plane * count, count);
            for (int i = 0; i < bytes.Length; i++)
            {
                bytes[i] = (byte)(keys[i] >> (8 * plane));
            }
        }
    }

    private static void Join(ReadOnlySpan<byte> planes, Span<long> keys)
    {
        int count = keys.Length;
        keys.Clear();
        for (int plane = 0; plane < KeyBytes; plane++)
        {
            var bytes = planes.Slice(plane * count, count);
            for (int i = 0; i < bytes.Length; i++)
            {
                keys[i] |= (long)bytes[i] << (8 * plane);
            }
        }
    }
}
