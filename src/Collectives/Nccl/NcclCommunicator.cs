using System.Runtime.InteropServices;
using OpenEmbedding.Collectives.Cuda;

namespace OpenEmbedding.Collectives.Nccl;

/// <summary>Ranks with a GPU each and their collective operations on device memory; every rank calls the same operations in the same order.</summary>
/// <remarks>
/// Operations are put on a stream and run there; the calls return at once. One thread at a time. Between <see cref="BeginGroup"/> and
/// <see cref="EndGroup"/> calls are gathered and started together.
/// </remarks>
public sealed unsafe class NcclCommunicator : IDisposable
{
    /// <summary>The oldest version whose interface this is: with the average, and bfloat16.</summary>
    public static readonly Version OldestVersion = new(2, 10);

    /// <summary>Bytes of a communicator's identity.</summary>
    public const int IdentityBytes = NativeMethods.UniqueId.Bytes;

    private readonly nint _handle;
    private bool _aborted;

    /// <summary>Joins the ranks that have the same identity; returns when all have come. The calling thread's GPU is this rank's.</summary>
    /// <param name="identity">What <see cref="NewIdentity"/> gave on one of the ranks, [<see cref="IdentityBytes"/>].</param>
    /// <param name="rank">This process's rank, from 0.</param>
    /// <param name="size">The number of ranks; no two of them have the same GPU.</param>
    /// <exception cref="NcclException">The ranks do not find each other, or two have the same GPU.</exception>
    public NcclCommunicator(ReadOnlySpan<byte> identity, int rank, int size)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(identity.Length, IdentityBytes, nameof(identity));
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(size);
        ArgumentOutOfRangeException.ThrowIfNegative(rank);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(rank, size);
        Rank = rank;
        Size = size;
        var id = MemoryMarshal.Read<NativeMethods.UniqueId>(identity);
        nint handle;
        NcclException.Check(NativeMethods.ncclCommInitRank(&handle, size, id, rank), "ncclCommInitRank");
        _handle = handle;
    }

    /// <summary>This process's rank among them.</summary>
    public int Rank { get; }

    /// <summary>The number of ranks.</summary>
    public int Size { get; }

    /// <summary>Why NCCL cannot be used here; null when it can.</summary>
    public static string? WhyNone()
    {
        if (!NativeLibrary.TryLoad(NativeMethods.Library, out _))
        {
            return $"NVIDIA's library {NativeMethods.Library} does not load; install NCCL (package libnccl2)";
        }

        Version version = LibraryVersion();
        return version < OldestVersion ? $"NCCL is of version {version}; {OldestVersion} or later is needed" : null;
    }

    /// <summary>The version of the library; only where it loads.</summary>
    public static Version LibraryVersion()
    {
        int version;
        NcclException.Check(NativeMethods.ncclGetVersion(&version), "ncclGetVersion");

        // Up to 2.8 the minor version had two digits fewer.
        return version < 10_000 ? new Version(version / 1000, version % 1000 / 100) : new Version(version / 10_000, version % 10_000 / 100, version % 100);
    }

    /// <summary>Makes an identity for a communicator; one rank does, and tells it to the others.</summary>
    public static byte[] NewIdentity()
    {
        NativeMethods.UniqueId id;
        NcclException.Check(NativeMethods.ncclGetUniqueId(&id), "ncclGetUniqueId");
        return new ReadOnlySpan<byte>(&id, IdentityBytes).ToArray();
    }

    /// <summary>Gathers the calls that follow, to start them together.</summary>
    public static void BeginGroup() => NcclException.Check(NativeMethods.ncclGroupStart(), "ncclGroupStart");

    /// <summary>Starts the calls since <see cref="BeginGroup"/>.</summary>
    public static void EndGroup() => NcclException.Check(NativeMethods.ncclGroupEnd(), "ncclGroupEnd");

    /// <summary>Reduces a buffer over all ranks and leaves each the result.</summary>
    /// <param name="send">The elements.</param>
    /// <param name="receive">The result, as long; the same address is allowed.</param>
    /// <param name="count">The number of elements.</param>
    /// <param name="type">Their type.</param>
    /// <param name="operation">The reduction.</param>
    /// <param name="stream">Where it runs.</param>
    public void AllReduce(nint send, nint receive, long count, ElementType type, ReduceOperation operation, CudaStream stream) =>
        NcclException.Check(
            NativeMethods.ncclAllReduce(send, receive, checked((nuint)count), TypeOf(type), OperationOf(operation), _handle, stream.Handle), "ncclAllReduce");

    /// <summary>Copies one rank's buffer to all.</summary>
    /// <param name="data">The elements, those of the root and the places of the others.</param>
    /// <param name="count">The number of elements.</param>
    /// <param name="type">Their type.</param>
    /// <param name="root">The rank whose elements are copied.</param>
    /// <param name="stream">Where it runs.</param>
    public void Broadcast(nint data, long count, ElementType type, int root, CudaStream stream)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(root);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(root, Size);
        NcclException.Check(NativeMethods.ncclBroadcast(data, data, checked((nuint)count), TypeOf(type), root, _handle, stream.Handle), "ncclBroadcast");
    }

    /// <summary>Gathers a block of every rank, one after the other, on every rank.</summary>
    /// <param name="send">This rank's block.</param>
    /// <param name="receive">All blocks, <see cref="Size"/> · <paramref name="count"/> elements.</param>
    /// <param name="count">The number of elements of a block, the same on every rank.</param>
    /// <param name="type">Their type.</param>
    /// <param name="stream">Where it runs.</param>
    public void AllGather(nint send, nint receive, long count, ElementType type, CudaStream stream) =>
        NcclException.Check(NativeMethods.ncclAllGather(send, receive, checked((nuint)count), TypeOf(type), _handle, stream.Handle), "ncclAllGather");

    /// <summary>Reduces a buffer over all ranks and leaves each its block of the result.</summary>
    /// <param name="send">All elements, <see cref="Size"/> · <paramref name="count"/>.</param>
    /// <param name="receive">This rank's block of the result.</param>
    /// <param name="count">The number of elements of a block.</param>
    /// <param name="type">Their type.</param>
    /// <param name="operation">The reduction.</param>
    /// <param name="stream">Where it runs.</param>
    public void ReduceScatter(nint send, nint receive, long count, ElementType type, ReduceOperation operation, CudaStream stream) =>
        NcclException.Check(
            NativeMethods.ncclReduceScatter(send, receive, checked((nuint)count), TypeOf(type), OperationOf(operation), _handle, stream.Handle), "ncclReduceScatter");

    /// <summary>Throws what went wrong since the calls returned, if anything has.</summary>
    /// <param name="operation">What was under way, for the message.</param>
    /// <exception cref="NcclException">A rank, a GPU or the network is lost; the communicator can only be aborted.</exception>
    public void CheckProgress(string operation)
    {
        int error;
        NcclException.Check(NativeMethods.ncclCommGetAsyncError(_handle, &error), "ncclCommGetAsyncError");
        if (error is not (0 or NativeMethods.InProgress))
        {
            NcclException.Throw(error, operation);
        }
    }

    /// <summary>Ends what is under way without waiting for the others.</summary>
    public void Abort()
    {
        if (!_aborted)
        {
            _aborted = true;
            _ = NativeMethods.ncclCommAbort(_handle);
        }
    }

    /// <summary>Leaves the communicator, whose operations are over.</summary>
    public void Dispose()
    {
        if (!_aborted)
        {
            _aborted = true;
            _ = NativeMethods.ncclCommDestroy(_handle);
        }
    }

    // The numbers are those of nccl.h.
    private static int TypeOf(ElementType type) => type switch
    {
        ElementType.UInt8 => 1,
        ElementType.Int32 => 2,
        ElementType.Int64 => 4,
        ElementType.Float16 => 6,
        ElementType.Float32 => 7,
        ElementType.Float64 => 8,
        ElementType.BFloat16 => 9,
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, null),
    };

    private static int OperationOf(ReduceOperation operation) => operation switch
    {
        ReduceOperation.Sum => 0,
        ReduceOperation.Product => 1,
        ReduceOperation.Max => 2,
        ReduceOperation.Min => 3,
        ReduceOperation.Average => 4,
        _ => throw new ArgumentOutOfRangeException(nameof(operation), operation, null),
    };
}
