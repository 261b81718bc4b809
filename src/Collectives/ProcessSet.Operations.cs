namespace OpenEmbedding.Collectives;

/// <content>The making of operations; null stands for one that a set of one rank has already done by copying.</content>
public sealed unsafe partial class ProcessSet
{
    private ReductionOperation NewAllReduce(string name, nint data, long count, ElementType type, ReduceOperation operation) =>
        type is ElementType.Float16 or ElementType.BFloat16
            ? new NarrowAllReduceOperation
            {
                Groups = ReductionGroups,
                Name = name,
                Pending = NewPending(),
                Communicator = _communicator!,
                CallBytes = CallBytes,
                Data = data,
                Count = count,
                Type = type,
                Operation = operation,
            }
            : new AllReduceOperation
            {
                Name = name,
                Pending = NewPending(),
                Communicator = _communicator!,
                CallBytes = CallBytes,
                Data = data,
                Count = count,
                Type = type,
                Operation = operation,
            };

    private GroupedAllReduceOperation NewGrouped(
        string name, Segment[] segments, ElementType type, ReduceOperation operation, long bufferElements) =>
        new(segments, bufferElements)
        {
            Name = name,
            Pending = NewPending(),
            Communicator = _communicator!,
            CallBytes = CallBytes,
            Type = type,
            Operation = operation,
            NewReduction = (data, count) => NewAllReduce(name, data, count, type, operation),
        };

    private CollectiveOperation? NewAllGather(string name, nint send, nint receive, BlockLayout blocks)
    {
        if (IsAlone)
        {
            return Copy(send, receive, blocks.TotalBytes);
        }

        return new AllGatherOperation
        {
            Name = name,
            Pending = NewPending(),
            Communicator = _communicator!,
            CallBytes = CallBytes,
            Send = send,
            Receive = receive,
            Blocks = blocks,
        };
    }

    private CollectiveOperation? NewReduceScatter(
        string name, nint send, nint receive, long count, ElementType type, ReduceOperation operation)
    {
        if (IsAlone)
        {
            return Copy(send, receive, count * type.SizeOf());
        }

        return new ReduceScatterOperation
        {
            Name = name,
            Pending = NewPending(),
            Communicator = _communicator!,
            CallBytes = CallBytes,
            Send = send,
            Receive = receive,
            Count = count,
            Type = type,
            Operation = operation,
        };
    }

    private CollectiveOperation? NewBroadcast(string name, nint data, long bytes, int root)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(root);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(root, Size);
        if (IsAlone)
        {
            return null;
        }

        return new BroadcastOperation
        {
            Name = name,
            Pending = NewPending(),
            Communicator = _communicator!,
            CallBytes = CallBytes,
            Data = data,
            Bytes = bytes,
            Root = root,
        };
    }

    private CollectiveOperation? NewAllToAll(string name, nint send, BlockLayout sendBlocks, nint receive, BlockLayout receiveBlocks)
    {
        if (sendBlocks.BytesOf(Rank) != receiveBlocks.BytesOf(Rank))
        {
            throw new ArgumentException(
                $"rank {Rank} sends itself {sendBlocks.BytesOf(Rank)} bytes but receives {receiveBlocks.BytesOf(Rank)} from itself");
        }

        if (IsAlone)
        {
            return Copy(send, receive, sendBlocks.TotalBytes);
        }

        return new AllToAllOperation
        {
            Name = name,
            Pending = NewPending(),
            Communicator = _communicator!,
            CallBytes = CallBytes,
            Send = send,
            SendBlocks = sendBlocks,
            Receive = receive,
            ReceiveBlocks = receiveBlocks,
        };
    }

    private ReadOnlySpan<long> CheckCounts(ReadOnlySpan<long> counts) =>
        counts.Length == Size
            ? counts
            : throw new ArgumentException($"{counts.Length} counts came for {Size} ranks", nameof(counts));

    private static CollectiveOperation? Copy(nint source, nint destination, long bytes)
    {
        if (source != destination)
        {
            Buffer.MemoryCopy((void*)source, (void*)destination, bytes, bytes); // the caller's buffers are this long
        }

        return null;
    }
}
