namespace OpenEmbedding.Collectives.Mpi;

/// <summary>The predefined handles and constants of MPICH's binary interface.</summary>
internal static class Handle
{
    internal const int CommWorld = 0x44000000;
    internal const int CommNull = 0x04000000;
    internal const int InfoNull = 0x1c000000;

    /// <summary>MPI_COMM_TYPE_SHARED: ranks that can share memory.</summary>
    internal const int TypeShared = 1;

    internal const int RequestNull = 0x2c000000;
    internal const int ErrorsReturn = 0x54000001;

    internal const int AnySource = -2;
    internal const int AnyTag = -1;
    internal const int Undefined = -32766;
    internal const int ThreadSerialized = 2;
    internal const int ThreadMultiple = 3;
    internal const int MaxErrorText = 1024;

    /// <summary>MPI_IN_PLACE: the send buffer of a collective is its receive buffer.</summary>
    internal const nint InPlace = -1;

    internal const int Byte = 0x4c00010d;

    // MPI_UNSIGNED_CHAR, MPI_INT, MPI_LONG, MPI_FLOAT, MPI_DOUBLE.
    private const int UInt8 = 0x4c000102;
    private const int Int32 = 0x4c000405;
    private const int Int64 = 0x4c000807;
    private const int Float = 0x4c00040a;
    private const int Double = 0x4c00080b;

    /// <summary>MPI's datatype of a type that MPI can reduce; 0 for the 16-bit floating-point types, which it cannot.</summary>
    internal static int Of(ElementType type) => type switch
    {
        ElementType.UInt8 => UInt8,
        ElementType.Int32 => Int32,
        ElementType.Int64 => Int64,
        ElementType.Float32 => Float,
        ElementType.Float64 => Double,
        _ => 0,
    };
}
