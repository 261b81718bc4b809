namespace OpenEmbedding.Collectives.Mpi;

/// <summary>A started operation of MPI; <see cref="Test"/> drives it and tells when it is done.</summary>
internal struct Request
{
    private readonly string _operation;
    private readonly int _rank;
    private readonly long _count;
    private int _handle;

    internal Request(int handle, string operation, int rank, long count)
    {
        _handle = handle;
        _operation = operation;
        _rank = rank;
        _count = count;
    }

    /// <summary>Makes MPI progress; true once the operation is complete, and from then on.</summary>
    internal unsafe bool Test()
    {
        int flag;
        Status status;
        var handle = _handle;
        var code = NativeMethods.MPI_Test(&handle, &flag, &status);
        _handle = handle; // null once complete
        MpiException.Check(code, _operation, _rank, _count);
        return flag != 0;
    }
}
