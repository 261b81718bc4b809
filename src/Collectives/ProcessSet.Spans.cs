using System.Runtime.CompilerServices;

namespace OpenEmbedding.Collectives;

/// <content>Operations on spans that return when they are complete.</content>
public sealed unsafe partial class ProcessSet
{
    /// <summary>Reduces the elements in place over all members.</summary>
    /// <typeparam name="T">byte, int, long, Half, BFloat16, float or double.</typeparam>
    /// <param name="data">The elements; as many on every rank.</param>
    /// <param name="operation">The reduction; an average divides by <see cref="Size"/>.</param>
    /// <param name="name">The name for messages.</param>
    /// <example><code>
    /// Span&lt;long&gt; rows = [reader.Rows];
    /// communication.World.AllReduce(rows);     // the rows of all ranks
    /// </code></example>
    public void AllReduce<T>(Span<T> data, ReduceOperation operation = ReduceOperation.Sum, string name = "all-reduce")
        where T : unmanaged
    {
        CheckMember();
        fixed (T* pointer = data) // in place until the operation is complete
        {
            Complete(IsAlone ? null : NewAllReduce(name, (nint)pointer, data.Length, ElementTypes.Of<T>(), operation));
        }
    }

    /// <summary>Gathers the elements of all members, of any length each, in the order of the ranks.</summary>
    /// <typeparam name="T">Any type without references.</typeparam>
    /// <param name="mine">This rank's elements.</param>
    /// <param name="name">The name for messages.</param>
    public T[] AllGather<T>(ReadOnlySpan<T> mine, string name = "all-gather")
        where T : unmanaged => AllGather(mine, out _, name);

    /// <summary>Gathers the elements of all members, and tells how many came from each.</summary>
    /// <typeparam name="T">Any type without references.</typeparam>
    /// <param name="mine">This rank's elements.</param>
    /// <param name="counts">The number of elements of each member.</param>
    /// <param name="name">The name for messages.</param>
    public T[] AllGather<T>(ReadOnlySpan<T> mine, out long[] counts, string name = "all-gather")
        where T : unmanaged
    {
        CheckMember();
        counts = GatherOne(mine.Length, name);
        var all = new T[counts.Sum()];
        fixed (T* send = mine, receive = all) // in place until the operation is complete
        {
            Complete(NewAllGather(name, (nint)send, (nint)receive, BlockLayout.Of(counts, Unsafe.SizeOf<T>())));
        }

        return all;
    }

    /// <summary>Copies one member's elements to all.</summary>
    /// <typeparam name="T">Any type without references.</typeparam>
    /// <param name="data">The elements; as many on every rank.</param>
    /// <param name="root">The rank within the set whose elements are copied.</param>
    /// <param name="name">The name for messages.</param>
    public void Broadcast<T>(Span<T> data, int root, string name = "broadcast")
        where T : unmanaged
    {
        CheckMember();
        fixed (T* pointer = data) // in place until the operation is complete
        {
            Complete(NewBroadcast(name, (nint)pointer, (long)data.Length * Unsafe.SizeOf<T>(), root));
        }
    }

    /// <summary>Reduces the elements over all members and returns this rank's even block of the result.</summary>
    /// <typeparam name="T">byte, int, long, Half, BFloat16, float or double.</typeparam>
    /// <param name="data">The elements; as many on every rank.</param>
    /// <param name="operation">The reduction.</param>
    /// <param name="name">The name for messages.</param>
    public T[] ReduceScatter<T>(
        ReadOnlySpan<T> data, ReduceOperation operation = ReduceOperation.Sum, string name = "reduce-scatter")
        where T : unmanaged
    {
        CheckMember();
        var block = new T[BlockCount(data.Length, Rank)];
        fixed (T* send = data, receive = block) // in place until the operation is complete
        {
            Complete(NewReduceScatter(name, (nint)send, (nint)receive, data.Length, ElementTypes.Of<T>(), operation));
        }

        return block;
    }

    /// <summary>Sends each member its own elements and returns those that all members sent to this rank, in the order of the ranks.</summary>
    /// <typeparam name="T">Any type without references.</typeparam>
    /// <param name="data">The elements for rank 0, then those for rank 1, and so on.</param>
    /// <param name="sendCounts">The number of elements for each member.</param>
    /// <param name="receiveCounts">The number of elements that came from each member.</param>
    /// <param name="name">The name for messages.</param>
    public T[] AllToAll<T>(
        ReadOnlySpan<T> data, ReadOnlySpan<long> sendCounts, out long[] receiveCounts, string name = "all-to-all")
        where T : unmanaged
    {
        CheckMember();
        var sendBlocks = BlockLayout.Of(CheckCounts(sendCounts), Unsafe.SizeOf<T>());
        if (sendBlocks.TotalBytes != (long)data.Length * Unsafe.SizeOf<T>())
        {
            throw new ArgumentException($"the counts are those of {sendBlocks.TotalBytes / Unsafe.SizeOf<T>()} elements, not of {data.Length}");
        }

        receiveCounts = ExchangeOne(sendCounts, name);
        var received = new T[receiveCounts.Sum()];
        fixed (T* send = data, receive = received) // in place until the operation is complete
        {
            Complete(
                NewAllToAll(
                    name, (nint)send, sendBlocks, (nint)receive, BlockLayout.Of(receiveCounts, Unsafe.SizeOf<T>())));
        }

        return received;
    }

    /// <summary>Waits until every member has come this far.</summary>
    /// <param name="name">The name for messages.</param>
    public void Barrier(string name = "barrier")
    {
        CheckMember();
        Complete(
            IsAlone ? null : new BarrierOperation { Name = name, Pending = NewPending(), Communicator = _communicator! });
    }

    /// <summary>Waits until every member has come this far, by a message from each member to each other.</summary>
    /// <param name="name">The name for messages.</param>
    internal void MeetInPairs(string name)
    {
        CheckMember();
        _ = ExchangeOne(new long[Size], name);
    }

    private long[] GatherOne(long mine, string name)
    {
        var all = new long[Size];
        var ones = new long[Size];
        Array.Fill(ones, 1);
        fixed (long* receive = all) // in place until the operation is complete
        {
            Complete(NewAllGather(name, (nint)(&mine), (nint)receive, BlockLayout.Of(ones, sizeof(long))));
        }

        return all;
    }

    private long[] ExchangeOne(ReadOnlySpan<long> mine, string name)
    {
        var received = new long[Size];
        var ones = new long[Size];
        Array.Fill(ones, 1);
        var blocks = BlockLayout.Of(ones, sizeof(long));
        fixed (long* send = mine, receive = received) // in place until the operation is complete
        {
            Complete(NewAllToAll(name, (nint)send, blocks, (nint)receive, blocks));
        }

        return received;
    }
}
