namespace OpenEmbedding.Collectives.Mpi;

/// <summary>Ranks that exchange messages: the point-to-point half.</summary>
/// <remarks>Only the owner of MPI calls it. Buffers stay in place until the request is complete.</remarks>
internal unsafe class Communicator : IDisposable
{
    private int _handle;

    internal Communicator(int handle)
    {
        _handle = handle;
        Rank = -1;
        int rank, size;
        Check(NativeMethods.MPI_Comm_set_errhandler(handle, Mpi.Handle.ErrorsReturn), "MPI_Comm_set_errhandler", 0);
        Check(NativeMethods.MPI_Comm_rank(handle, &rank), "MPI_Comm_rank", 0);
        Check(NativeMethods.MPI_Comm_size(handle, &size), "MPI_Comm_size", 0);
        Rank = rank;
        Size = size;
    }

    internal int Rank { get; }

    internal int Size { get; }

    internal int Handle => _handle;

    internal Request ImmediateSend(nint data, long count, int destination, int tag)
    {
        int request;
        Check(NativeMethods.MPI_Isend(data, ToInt(count), Mpi.Handle.Byte, destination, tag, _handle, &request), "MPI_Isend", count);
        return Started(request, "MPI_Isend", count);
    }

    internal Request ImmediateReceive(nint data, long count, int source, int tag)
    {
        int request;
        Check(NativeMethods.MPI_Irecv(data, ToInt(count), Mpi.Handle.Byte, source, tag, _handle, &request), "MPI_Irecv", count);
        return Started(request, "MPI_Irecv", count);
    }

    /// <summary>Takes the next message that has arrived out of the matching queue, so that only its holder can receive it.</summary>
    internal bool ImmediateProbe(out int message, out Status status)
    {
        int flag, handle;
        Status found;
        Check(
            NativeMethods.MPI_Improbe(Mpi.Handle.AnySource, Mpi.Handle.AnyTag, _handle, &flag, &handle, &found), "MPI_Improbe", 0);
        message = handle;
        status = found;
        return flag != 0;
    }

    internal Request ImmediateReceive(int message, nint data, int count)
    {
        int request;
        Check(NativeMethods.MPI_Imrecv(data, count, Mpi.Handle.Byte, &message, &request), "MPI_Imrecv", count);
        return Started(request, "MPI_Imrecv", count);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_handle is Mpi.Handle.CommWorld or Mpi.Handle.CommNull)
        {
            return;
        }

        var handle = _handle;
        _handle = Mpi.Handle.CommNull;
        Check(NativeMethods.MPI_Comm_free(&handle), "MPI_Comm_free", 0);
    }

    protected static int ToInt(long count) => checked((int)count);

    protected void Check(int code, string operation, long count) => MpiException.Check(code, operation, Rank, count);

    protected Request Started(int request, string operation, long count) => new(request, operation, Rank, count);
}
