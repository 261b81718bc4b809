namespace OpenEmbedding.Collectives;

/// <content>Operations that are started and waited for later.</content>
public sealed unsafe partial class ProcessSet
{
    /// <summary>Starts to reduce a buffer in place over all members.</summary>
    /// <param name="name">The name for messages.</param>
    /// <param name="data">The address of the elements.</param>
    /// <param name="count">The number of elements, 0 or more; the same on every rank.</param>
    /// <param name="type">The type of the elements; 16-bit ones are reduced in float32 and rounded once.</param>
    /// <param name="operation">The reduction; an average divides by <see cref="Size"/>, integers cut towards zero.</param>
    public Pending AllReduceAsync(string name, nint data, long count, ElementType type, ReduceOperation operation)
    {
        CheckMember();
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        return Begin(IsAlone ? null : NewAllReduce(name, data, count, type, operation));
    }

    /// <summary>Starts to reduce many buffers in place over all members, packed so that they take few messages.</summary>
    /// <param name="name">The name for messages.</param>
    /// <param name="segments">The buffers; the same numbers of elements in the same order on every rank.</param>
    /// <param name="type">The type of the elements.</param>
    /// <param name="operation">The reduction.</param>
    public Pending GroupedAllReduceAsync(
        string name, ReadOnlySpan<Segment> segments, ElementType type, ReduceOperation operation)
    {
        CheckMember();
        foreach (var segment in segments)
        {
            ArgumentOutOfRangeException.ThrowIfNegative(segment.Count, nameof(segments));
        }

        var bufferElements = _communication.Options.FusionBufferBytes / type.SizeOf();
        return Begin(IsAlone ? null : NewGrouped(name, segments.ToArray(), type, operation, bufferElements));
    }

    /// <summary>Starts to gather every member's block of elements, one after the other, on every member.</summary>
    /// <param name="name">The name for messages.</param>
    /// <param name="send">The address of this rank's block; its place in <paramref name="receive"/> is allowed.</param>
    /// <param name="receive">The address of the result, as long as the sum of <paramref name="counts"/>.</param>
    /// <param name="counts">The number of elements in each member's block; the same on every rank.</param>
    /// <param name="type">The type of the elements.</param>
    public Pending AllGatherVAsync(string name, nint send, nint receive, ReadOnlySpan<long> counts, ElementType type)
    {
        CheckMember();
        return Begin(NewAllGather(name, send, receive, BlockLayout.Of(CheckCounts(counts), type.SizeOf())));
    }

    /// <summary>Starts to copy one member's buffer to all.</summary>
    /// <param name="name">The name for messages.</param>
    /// <param name="data">The address of the elements.</param>
    /// <param name="count">The number of elements, 0 or more; the same on every rank.</param>
    /// <param name="type">The type of the elements.</param>
    /// <param name="root">The rank within the set whose buffer is copied.</param>
    public Pending BroadcastAsync(string name, nint data, long count, ElementType type, int root)
    {
        CheckMember();
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        return Begin(NewBroadcast(name, data, checked(count * type.SizeOf()), root));
    }

    /// <summary>Starts to reduce a buffer over all members and to leave each its block: <see cref="BlockCount"/> elements.</summary>
    /// <param name="name">The name for messages.</param>
    /// <param name="send">The address of all elements.</param>
    /// <param name="receive">The address of this rank's block of the result.</param>
    /// <param name="count">The number of elements in <paramref name="send"/>; the same on every rank.</param>
    /// <param name="type">The type of the elements.</param>
    /// <param name="operation">The reduction, in the order of the ranks.</param>
    public Pending ReduceScatterAsync(
        string name, nint send, nint receive, long count, ElementType type, ReduceOperation operation)
    {
        CheckMember();
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        return Begin(NewReduceScatter(name, send, receive, count, type, operation));
    }

    /// <summary>Starts to send each member its own block of elements and to receive one from each.</summary>
    /// <param name="name">The name for messages.</param>
    /// <param name="send">The address of the blocks to send, one after the other.</param>
    /// <param name="sendCounts">The number of elements for each member.</param>
    /// <param name="receive">The address of the blocks received, in the order of the ranks.</param>
    /// <param name="receiveCounts">The number of elements that each member sends to this rank.</param>
    /// <param name="type">The type of the elements.</param>
    public Pending AllToAllVAsync(
        string name, nint send, ReadOnlySpan<long> sendCounts, nint receive, ReadOnlySpan<long> receiveCounts, ElementType type)
    {
        CheckMember();
        var bytes = type.SizeOf();
        return Begin(
            NewAllToAll(
                name, send, BlockLayout.Of(CheckCounts(sendCounts), bytes), receive, BlockLayout.Of(CheckCounts(receiveCounts), bytes)));
    }

    /// <summary>The number of elements in a member's even block of a buffer: the first ranks get one more where they do not divide.</summary>
    /// <param name="count">The number of elements in the buffer.</param>
    /// <param name="rank">The rank within the set.</param>
    public long BlockCount(long count, int rank) => BlockLayout.EvenCount(count, Size, rank);
}
