using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace OpenEmbedding.Collectives.Nccl;

/// <summary>The functions of NCCL under their C names; each returns 0 or a code that <see cref="NcclException"/> explains.</summary>
internal static unsafe partial class NativeMethods
{
    internal const string Library = "libnccl.so.2";

    /// <summary>ncclInProgress: what was asked for is still under way.</summary>
    internal const int InProgress = 7;

    [LibraryImport(Library)]
    internal static partial int ncclGetVersion(int* version);

    [LibraryImport(Library)]
    internal static partial int ncclGetUniqueId(UniqueId* id);

    [LibraryImport(Library)]
    internal static partial int ncclCommInitRank(nint* communicator, int size, UniqueId id, int rank);

    [LibraryImport(Library)]
    internal static partial int ncclCommDestroy(nint communicator);

    [LibraryImport(Library)]
    internal static partial int ncclCommAbort(nint communicator);

    [LibraryImport(Library)]
    internal static partial int ncclCommGetAsyncError(nint communicator, int* error);

    [LibraryImport(Library)]
    internal static partial nint ncclGetErrorString(int code);

    [LibraryImport(Library)]
    internal static partial nint ncclGetLastError(nint communicator);

    [LibraryImport(Library)]
    internal static partial int ncclAllReduce(nint send, nint receive, nuint count, int type, int operation, nint communicator, nint stream);

    [LibraryImport(Library)]
    internal static partial int ncclBroadcast(nint send, nint receive, nuint count, int type, int root, nint communicator, nint stream);

    [LibraryImport(Library)]
    internal static partial int ncclAllGather(nint send, nint receive, nuint count, int type, nint communicator, nint stream);

    [LibraryImport(Library)]
    internal static partial int ncclReduceScatter(nint send, nint receive, nuint count, int type, int operation, nint communicator, nint stream);

    [LibraryImport(Library)]
    internal static partial int ncclGroupStart();

    [LibraryImport(Library)]
    internal static partial int ncclGroupEnd();

    /// <summary>What the ranks of a communicator find each other by; NCCL takes it by value.</summary>
    [InlineArray(Bytes)]
    internal struct UniqueId
    {
        internal const int Bytes = 128;

        private byte _first;
    }
}
