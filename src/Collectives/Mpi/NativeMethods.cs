using System.Reflection;
using System.Runtime.InteropServices;

namespace OpenEmbedding.Collectives.Mpi;

/// <summary>The functions of MPICH's binary interface under their C names; each returns 0 or an error class that <see cref="MpiException"/> explains.</summary>
/// <remarks>
/// Handles are ints. Calls that a wait repeats leave the garbage collector's transition out: they never call back into managed code, since
/// the only reductions used are MPI's own.
/// </remarks>
internal static unsafe partial class NativeMethods
{
    private const string Library = "libmpich.so.12";

    // Intel MPI, MVAPICH and Cray MPICH carry the same interface under the second name.
    private static readonly string[] _names = [Library, "libmpi.so.12"];

    static NativeMethods()
    {
        NativeLibrary.SetDllImportResolver(typeof(NativeMethods).Assembly, Resolve);
    }

    private static nint Resolve(string name, Assembly assembly, DllImportSearchPath? path)
    {
        if (name != Library)
        {
            return 0;
        }

        foreach (var candidate in _names)
        {
            if (!NativeLibrary.TryLoad(candidate, assembly, path, out var handle))
            {
                continue;
            }

            // Old Open MPI shares the file name, and its handles are pointers: refuse it rather than crash.
            if (!NativeLibrary.TryGetExport(handle, "ompi_mpi_comm_world", out _))
            {
                return handle;
            }
        }

        throw new OpenEmbeddingException(
            $"MPICH's library is missing: none of {string.Join(", ", _names)} loads; install MPICH (package mpich on Debian and Ubuntu)",
            JobExitCode.Cluster);
    }

    [LibraryImport(Library)]
    internal static partial int MPI_Init_thread(nint argc, nint argv, int required, int* provided);

    [LibraryImport(Library)]
    internal static partial int MPI_Finalize();

    [LibraryImport(Library)]
    internal static partial int MPI_Abort(int comm, int errorCode);

    [LibraryImport(Library)]
    internal static partial int MPI_Error_string(int errorCode, byte* text, int* length);

    [LibraryImport(Library)]
    internal static partial int MPI_Comm_rank(int comm, int* rank);

    [LibraryImport(Library)]
    internal static partial int MPI_Comm_size(int comm, int* size);

    [LibraryImport(Library)]
    internal static partial int MPI_Comm_dup(int comm, int* copy);

    [LibraryImport(Library)]
    internal static partial int MPI_Comm_split(int comm, int color, int key, int* part);

    [LibraryImport(Library)]
    internal static partial int MPI_Comm_free(int* comm);

    [LibraryImport(Library)]
    internal static partial int MPI_Comm_set_errhandler(int comm, int handler);

    [LibraryImport(Library)]
    internal static partial int MPI_Isend(nint data, int count, int type, int destination, int tag, int comm, int* request);

    [LibraryImport(Library)]
    internal static partial int MPI_Irecv(nint data, int count, int type, int source, int tag, int comm, int* request);

    [LibraryImport(Library)]
    [SuppressGCTransition]
    internal static partial int MPI_Improbe(int source, int tag, int comm, int* flag, int* message, Status* status);

    [LibraryImport(Library)]
    internal static partial int MPI_Imrecv(nint data, int count, int type, int* message, int* request);

    [LibraryImport(Library)]
    internal static partial int MPI_Get_count(Status* status, int type, int* count);

    [LibraryImport(Library)]
    [SuppressGCTransition]
    internal static partial int MPI_Test(int* request, int* flag, Status* status);

    [LibraryImport(Library)]
    internal static partial int MPI_Ibarrier(int comm, int* request);

    [LibraryImport(Library)]
    internal static partial int MPI_Ibcast(nint data, int count, int type, int root, int comm, int* request);

    [LibraryImport(Library)]
    internal static partial int MPI_Iallreduce(nint send, nint receive, int count, int type, int operation, int comm, int* request);

    [LibraryImport(Library)]
    internal static partial int MPI_Allreduce(nint send, nint receive, int count, int type, int operation, int comm);

    [LibraryImport(Library)]
    internal static partial int MPI_Iallgatherv(
        nint send, int sendCount, int sendType, nint receive, int* counts, int* offsets, int receiveType, int comm, int* request);

    [LibraryImport(Library)]
    internal static partial int MPI_Ialltoallv(
        nint send, int* sendCounts, int* sendOffsets, int sendType,
        nint receive, int* receiveCounts, int* receiveOffsets, int receiveType, int comm, int* request);

    [LibraryImport(Library)]
    internal static partial int MPI_Comm_split_type(int comm, int type, int key, int info, int* part);

    [LibraryImport(Library)]
    internal static partial int MPI_Win_allocate_shared(nint bytes, int unit, int info, int comm, nint* address, int* window);

    [LibraryImport(Library)]
    internal static partial int MPI_Win_shared_query(int window, int rank, nint* bytes, int* unit, nint* address);

    [LibraryImport(Library)]
    internal static partial int MPI_Win_free(int* window);

    /// <summary>Gives the core to another runnable thread, if there is one.</summary>
    [LibraryImport("libc", EntryPoint = "sched_yield")]
    internal static partial int SchedYield();

    /// <summary>Sleeps for the given microseconds.</summary>
    [LibraryImport("libc", EntryPoint = "usleep")]
    internal static partial int Sleep(uint microseconds);

    /// <summary>The number of the futex call on x64.</summary>
    internal const nint SystemCallFutex = 202;

    /// <summary>Sleeps while the word has the given value, at most for the given time.</summary>
    internal const nint FutexWait = 0;

    /// <summary>Wakes the given number of sleepers.</summary>
    internal const nint FutexWake = 1;

    /// <summary>The kernel's sleep on a word of memory, which processes may share.</summary>
    [LibraryImport("libc", EntryPoint = "syscall")]
    internal static partial nint Futex(nint number, nint word, nint operation, nint value, TimeSpec* limit, nint second, nint third);

    /// <summary>FIONREAD: the bytes in a pipe that its reader has not taken.</summary>
    internal const nuint UnreadBytes = 0x541b;

    /// <summary>Asks a file descriptor for a property.</summary>
    [LibraryImport("libc", EntryPoint = "ioctl")]
    internal static partial int IoControl(int descriptor, nuint request, int* value);

    /// <summary>Ends this process at once, without handlers.</summary>
    [LibraryImport("libc", EntryPoint = "_exit")]
    internal static partial void Exit(int code);
}
