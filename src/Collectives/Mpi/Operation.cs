namespace OpenEmbedding.Collectives.Mpi;

/// <summary>MPI's own reductions.</summary>
internal static class Operation
{
    internal const int Max = 0x58000001;
    internal const int Min = 0x58000002;
    internal const int Add = 0x58000003;
    internal const int Multiply = 0x58000004;

    /// <summary>The handle for a reduction; an average is an addition here, and divided by its caller.</summary>
    internal static int Of(ReduceOperation operation) => operation switch
    {
        ReduceOperation.Min => Min,
        ReduceOperation.Max => Max,
        ReduceOperation.Product => Multiply,
        _ => Add,
    };
}
