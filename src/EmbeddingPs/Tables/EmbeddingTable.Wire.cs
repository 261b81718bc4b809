using System.Runtime.CompilerServices;
using OpenEmbedding.Collectives;

namespace OpenEmbedding.EmbeddingPs.Tables;

/// <content>Rows as they travel: converted while they are copied.</content>
public abstract unsafe partial class EmbeddingTable
{
    private const int TileBytes = 16 << 10;

    /// <summary>Copies the weights of rows to <paramref name="destination"/>, [rows, Dimension] in a format of the table's element type.</summary>
    public void Gather(ReadOnlySpan<long> rows, nint destination, WireFormat format)
    {
        switch (format.Stored, format.Sent)
        {
            case var (stored, sent) when stored == sent:
                Gather(rows, destination);
                break;
            case (ElementType.Float32, ElementType.Float16):
                Gather<NarrowSingle<Float16Type>>(rows, (byte*)destination, format);
                break;
            case (ElementType.Float32, ElementType.BFloat16):
                Gather<NarrowSingle<BFloat16Type>>(rows, (byte*)destination, format);
                break;
            default:
                Gather<AnyConversion>(rows, (byte*)destination, format);
                break;
        }
    }

    /// <summary>Copies the weights of keys to <paramref name="destination"/> in a format of the table's element type; a key without a row reads as its initial value and nothing is stored.</summary>
    public void Read(ReadOnlySpan<long> keys, nint destination, WireFormat format)
    {
        if (!format.Converts)
        {
            Read(keys, destination);
            return;
        }

        // A tile of rows as they are, small enough to stay in the nearest cache.
        int tile = Math.Clamp(TileBytes / WeightBytes, 1, Group);
        byte* weights = stackalloc byte[tile * WeightBytes];
        for (int start = 0; start < keys.Length; start += tile)
        {
            var part = keys.Slice(start, Math.Min(tile, keys.Length - start));
            Read(part, (nint)weights);
            long numbers = (long)part.Length * Options.Dimension;
            format.Write((nint)weights, destination, numbers);
            destination += (nint)(numbers * format.SentBytes);
        }
    }

    private void Gather<TConversion>(ReadOnlySpan<long> rows, byte* destination, WireFormat format)
        where TConversion : struct, IConversion
    {
        int dimension = Options.Dimension;
        int sentBytes = dimension * format.SentBytes;
        int distance = Prefetch.Distance(WeightBytes);

        // A group's addresses, on the stack.
        nint* addresses = stackalloc nint[Group];
        for (int start = 0; start < rows.Length; start += Group)
        {
            var group = rows.Slice(start, Math.Min(Group, rows.Length - start));
            Locate(group, addresses);
            for (int i = 0; i < Math.Min(distance, group.Length); i++)
            {
                Prefetch.Row(addresses[i], WeightBytes);
            }

            for (int i = 0; i < group.Length; i++)
            {
                if (i + distance < group.Length)
                {
                    Prefetch.Row(addresses[i + distance], WeightBytes);
                }

                TConversion.Write((byte*)addresses[i], destination, dimension, format);
                destination += sentBytes;
            }
        }
    }

    /// <summary>Writes one row as it travels; a value type, so that the loop over rows is made for each.</summary>
    private interface IConversion
    {
        static abstract void Write(byte* row, byte* destination, int dimension, WireFormat format);
    }

    private readonly struct NarrowSingle<TType> : IConversion
        where TType : struct, INarrowType
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void Write(byte* row, byte* destination, int dimension, WireFormat format) =>
            NarrowConversion.Narrow<TType>((float*)row, (ushort*)destination, dimension, 1);
    }

    private readonly struct AnyConversion : IConversion
    {
        public static void Write(byte* row, byte* destination, int dimension, WireFormat format) =>
            format.Write((nint)row, (nint)destination, dimension);
    }
}
