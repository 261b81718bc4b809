namespace OpenEmbedding.Collectives.Mpi;

/// <summary>Ranks of one group: the collective half. Every rank of the group calls the same operations in the same order.</summary>
internal sealed unsafe class Intracommunicator(int handle) : Communicator(handle)
{
    internal Request ImmediateBarrier()
    {
        int request;
        Check(NativeMethods.MPI_Ibarrier(Handle, &request), "MPI_Ibarrier", 0);
        return Started(request, "MPI_Ibarrier", 0);
    }

    internal Request ImmediateBroadcast(nint data, long bytes, int root)
    {
        int request;
        Check(NativeMethods.MPI_Ibcast(data, ToInt(bytes), Mpi.Handle.Byte, root, Handle, &request), "MPI_Ibcast", bytes);
        return Started(request, "MPI_Ibcast", bytes);
    }

    /// <summary>Starts a reduction in place; the type is one that MPI reduces.</summary>
    internal Request ImmediateAllReduce(nint data, long count, ElementType type, ReduceOperation operation)
    {
        int request;
        Check(
            NativeMethods.MPI_Iallreduce(
                Mpi.Handle.InPlace, data, ToInt(count), Mpi.Handle.Of(type), Operation.Of(operation), Handle, &request),
            "MPI_Iallreduce",
            count);
        return Started(request, "MPI_Iallreduce", count);
    }

    /// <summary>Reduces in place with MPI's blocking call, which spins; the measure that the polled one is compared with.</summary>
    internal void AllReduce(nint data, long count, ElementType type, ReduceOperation operation) =>
        Check(
            NativeMethods.MPI_Allreduce(
                Mpi.Handle.InPlace, data, ToInt(count), Mpi.Handle.Of(type), Operation.Of(operation), Handle),
            "MPI_Allreduce",
            count);

    /// <summary>Gathers bytes; the arrays (one entry a rank) stay in place until the request is complete.</summary>
    internal Request ImmediateAllGather(nint send, long sendBytes, nint receive, int* counts, int* offsets)
    {
        int request;
        Check(
            NativeMethods.MPI_Iallgatherv(
                send, ToInt(sendBytes), Mpi.Handle.Byte, receive, counts, offsets, Mpi.Handle.Byte, Handle, &request),
            "MPI_Iallgatherv",
            sendBytes);
        return Started(request, "MPI_Iallgatherv", sendBytes);
    }

    /// <summary>Exchanges bytes; the arrays (one entry a rank) stay in place until the request is complete.</summary>
    internal Request ImmediateAllToAll(
        nint send, int* sendCounts, int* sendOffsets, nint receive, int* receiveCounts, int* receiveOffsets, long sendBytes)
    {
        int request;
        Check(
            NativeMethods.MPI_Ialltoallv(
                send, sendCounts, sendOffsets, Mpi.Handle.Byte,
                receive, receiveCounts, receiveOffsets, Mpi.Handle.Byte, Handle, &request),
            "MPI_Ialltoallv",
            sendBytes);
        return Started(request, "MPI_Ialltoallv", sendBytes);
    }

    /// <summary>A communicator of the same ranks whose messages never meet this one's; blocks until all ranks called it.</summary>
    internal Intracommunicator Duplicate()
    {
        int copy;
        Check(NativeMethods.MPI_Comm_dup(Handle, &copy), "MPI_Comm_dup", 0);
        return new Intracommunicator(copy);
    }

    /// <summary>A communicator of the members, ranked by <paramref name="key"/>; null for others. Blocks until all ranks called it.</summary>
    internal Intracommunicator? Split(bool member, int key)
    {
        int part;
        Check(NativeMethods.MPI_Comm_split(Handle, member ? 0 : Mpi.Handle.Undefined, key, &part), "MPI_Comm_split", 0);
        return part == Mpi.Handle.CommNull ? null : new Intracommunicator(part);
    }

    /// <summary>A communicator of the ranks that can share memory; blocks until all ranks called it.</summary>
    internal Intracommunicator SplitByHost()
    {
        int part;
        Check(
            NativeMethods.MPI_Comm_split_type(Handle, Mpi.Handle.TypeShared, Rank, Mpi.Handle.InfoNull, &part), "MPI_Comm_split_type", 0);
        return new Intracommunicator(part);
    }

    /// <summary>Allocates this rank's part of memory that all ranks map, all parts in one piece; blocks until all ranks called it.</summary>
    /// <param name="bytes">The size of each part, a multiple of a cache line.</param>
    internal (int Window, nint Own) AllocateShared(int bytes)
    {
        nint own;
        int window;
        Check(
            NativeMethods.MPI_Win_allocate_shared(bytes, 1, Mpi.Handle.InfoNull, Handle, &own, &window), "MPI_Win_allocate_shared", bytes);
        return (window, own);
    }

    /// <summary>Where this process has mapped another rank's part of shared memory.</summary>
    internal nint SharedOf(int window, int rank)
    {
        nint bytes, address;
        int unit;
        Check(NativeMethods.MPI_Win_shared_query(window, rank, &bytes, &unit, &address), "MPI_Win_shared_query", 0);
        return address;
    }

    /// <summary>Frees shared memory; blocks until all ranks called it.</summary>
    internal void FreeShared(int window) => Check(NativeMethods.MPI_Win_free(&window), "MPI_Win_free", 0);
}
