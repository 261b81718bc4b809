using System.Runtime.InteropServices;

namespace OpenEmbedding.Collectives.Cuda;

/// <summary>The functions of NVIDIA's driver library under their C names; each returns 0 or a code that <see cref="CudaException"/> explains.</summary>
/// <remarks>The driver's interface, not the runtime's: its file has one name whatever the version of CUDA, and it is there wherever a GPU is.</remarks>
internal static unsafe partial class NativeMethods
{
    internal const string Library = "libcuda.so.1";

    /// <summary>CUDA_ERROR_NOT_READY: what an event waits for is still under way.</summary>
    internal const int NotReady = 600;

    /// <summary>CUDA_ERROR_OUT_OF_MEMORY.</summary>
    internal const int OutOfMemory = 2;

    /// <summary>CU_STREAM_NON_BLOCKING: does not wait for the default stream.</summary>
    internal const uint NonBlocking = 1;

    /// <summary>CU_EVENT_DISABLE_TIMING.</summary>
    internal const uint DisableTiming = 2;

    /// <summary>CU_MEMHOSTALLOC_PORTABLE: pinned for all contexts.</summary>
    internal const uint Portable = 1;

    [LibraryImport(Library)]
    internal static partial int cuInit(uint flags);

    [LibraryImport(Library)]
    internal static partial int cuDriverGetVersion(int* version);

    [LibraryImport(Library)]
    internal static partial int cuDeviceGetCount(int* count);

    [LibraryImport(Library)]
    internal static partial int cuDeviceGet(int* device, int ordinal);

    [LibraryImport(Library)]
    internal static partial int cuDeviceGetName(byte* name, int length, int device);

    [LibraryImport(Library)]
    internal static partial int cuDeviceGetUuid(Guid* uuid, int device);

    [LibraryImport(Library)]
    internal static partial int cuDeviceTotalMem_v2(nuint* bytes, int device);

    [LibraryImport(Library)]
    internal static partial int cuDevicePrimaryCtxRetain(nint* context, int device);

    [LibraryImport(Library)]
    internal static partial int cuDevicePrimaryCtxRelease_v2(int device);

    [LibraryImport(Library)]
    internal static partial int cuCtxSetCurrent(nint context);

    [LibraryImport(Library)]
    internal static partial int cuStreamCreate(nint* stream, uint flags);

    [LibraryImport(Library)]
    internal static partial int cuStreamDestroy_v2(nint stream);

    [LibraryImport(Library)]
    internal static partial int cuStreamWaitEvent(nint stream, nint awaited, uint flags);

    [LibraryImport(Library)]
    internal static partial int cuStreamSynchronize(nint stream);

    [LibraryImport(Library)]
    internal static partial int cuEventCreate(nint* created, uint flags);

    [LibraryImport(Library)]
    internal static partial int cuEventDestroy_v2(nint destroyed);

    [LibraryImport(Library)]
    internal static partial int cuEventRecord(nint recorded, nint stream);

    [LibraryImport(Library)]
    internal static partial int cuEventQuery(nint queried);

    [LibraryImport(Library)]
    internal static partial int cuEventSynchronize(nint awaited);

    [LibraryImport(Library)]
    internal static partial int cuMemAlloc_v2(nint* data, nuint bytes);

    [LibraryImport(Library)]
    internal static partial int cuMemFree_v2(nint data);

    [LibraryImport(Library)]
    internal static partial int cuMemHostAlloc(nint* data, nuint bytes, uint flags);

    [LibraryImport(Library)]
    internal static partial int cuMemFreeHost(nint data);

    [LibraryImport(Library)]
    internal static partial int cuMemcpyHtoDAsync_v2(nint device, nint host, nuint bytes, nint stream);

    [LibraryImport(Library)]
    internal static partial int cuMemcpyDtoHAsync_v2(nint host, nint device, nuint bytes, nint stream);

    [LibraryImport(Library)]
    internal static partial int cuGetErrorString(int code, nint* text);
}
