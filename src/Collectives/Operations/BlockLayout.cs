namespace OpenEmbedding.Collectives;

/// <summary>Blocks of bytes that lie one after the other, one for each rank.</summary>
internal sealed class BlockLayout
{
    private readonly long[] _offsets;

    private BlockLayout(long[] offsets)
    {
        _offsets = offsets;
    }

    internal long TotalBytes => _offsets[^1];

    internal long OffsetOf(int rank) => _offsets[rank];

    internal long BytesOf(int rank) => _offsets[rank + 1] - _offsets[rank];

    /// <summary>Blocks of the given numbers of elements.</summary>
    internal static BlockLayout Of(ReadOnlySpan<long> counts, int elementBytes)
    {
        var offsets = new long[counts.Length + 1];
        for (var rank = 0; rank < counts.Length; rank++)
        {
            ArgumentOutOfRangeException.ThrowIfNegative(counts[rank], nameof(counts));
            offsets[rank + 1] = checked(offsets[rank] + (counts[rank] * elementBytes));
        }

        return new BlockLayout(offsets);
    }

    /// <summary>A number of elements dealt in blocks as even as they go: the first ranks get one more.</summary>
    internal static BlockLayout Even(long count, int ranks, int elementBytes)
    {
        var offsets = new long[ranks + 1];
        for (var rank = 0; rank < ranks; rank++)
        {
            offsets[rank + 1] = offsets[rank] + (EvenCount(count, ranks, rank) * elementBytes);
        }

        return new BlockLayout(offsets);
    }

    /// <summary>The number of elements in a rank's even block.</summary>
    internal static long EvenCount(long count, int ranks, int rank) => (count / ranks) + (rank < count % ranks ? 1 : 0);
}
