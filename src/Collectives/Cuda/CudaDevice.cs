using System.Runtime.InteropServices;
using System.Text;

namespace OpenEmbedding.Collectives.Cuda;

/// <summary>One GPU, in the context that libtorch and NCCL use too: the device's primary one.</summary>
public sealed unsafe class CudaDevice : IDisposable
{
    private const int MaxName = 256;

    private readonly int _handle;
    private readonly nint _context;

    private CudaDevice(int ordinal)
    {
        Ordinal = ordinal;
        int handle;
        CudaException.Check(NativeMethods.cuDeviceGet(&handle, ordinal), "cuDeviceGet");
        _handle = handle;
        var name = stackalloc byte[MaxName]; // the driver writes a C string of at most this length
        CudaException.Check(NativeMethods.cuDeviceGetName(name, MaxName, handle), "cuDeviceGetName");
        Name = Encoding.UTF8.GetString(MemoryMarshal.CreateReadOnlySpanFromNullTerminated(name));
        Guid identity;
        CudaException.Check(NativeMethods.cuDeviceGetUuid(&identity, handle), "cuDeviceGetUuid");
        Identity = identity;
        nuint bytes;
        CudaException.Check(NativeMethods.cuDeviceTotalMem_v2(&bytes, handle), "cuDeviceTotalMem");
        MemoryBytes = (long)bytes;
        nint context;
        CudaException.Check(NativeMethods.cuDevicePrimaryCtxRetain(&context, handle), "cuDevicePrimaryCtxRetain");
        _context = context;
        MakeCurrent();
    }

    /// <summary>Its number among those that this process sees, from 0.</summary>
    public int Ordinal { get; }

    /// <summary>What NVIDIA calls it.</summary>
    public string Name { get; }

    /// <summary>The same for all processes that use the GPU, whatever number it has there.</summary>
    public Guid Identity { get; }

    /// <summary>Its memory, in bytes.</summary>
    public long MemoryBytes { get; }

    /// <summary>Why this process can use no GPU; null when it can.</summary>
    public static string? WhyNone()
    {
        if (!NativeLibrary.TryLoad(NativeMethods.Library, out _))
        {
            return $"NVIDIA's driver library {NativeMethods.Library} does not load; install the driver";
        }

        int code = NativeMethods.cuInit(0);
        if (code != 0)
        {
            return $"NVIDIA's driver finds no GPU it can use: {CudaException.Explain(code)}";
        }

        return Count() == 0 ? "NVIDIA's driver shows no GPU to this process; see CUDA_VISIBLE_DEVICES" : null;
    }

    /// <summary>Takes a GPU into use and makes it that of the calling thread.</summary>
    /// <param name="ordinal">Its number, from 0.</param>
    /// <exception cref="OpenEmbeddingException">There is no such GPU; the message says why.</exception>
    public static CudaDevice Open(int ordinal)
    {
        if (WhyNone() is { } reason)
        {
            throw new OpenEmbeddingException(reason, JobExitCode.Cluster);
        }

        int count = Count();
        return ordinal >= 0 && ordinal < count
            ? new CudaDevice(ordinal)
            : throw new OpenEmbeddingException($"there is no GPU {ordinal}; this process sees {count}, numbered from 0", JobExitCode.Cluster);
    }

    /// <summary>The number of GPUs that this process sees; only where <see cref="WhyNone"/> gives null.</summary>
    public static int Count()
    {
        int count;
        CudaException.Check(NativeMethods.cuDeviceGetCount(&count), "cuDeviceGetCount");
        return count;
    }

    /// <summary>The version of CUDA that the driver has, such as 13.0.</summary>
    public static Version DriverVersion()
    {
        int version;
        CudaException.Check(NativeMethods.cuDriverGetVersion(&version), "cuDriverGetVersion");
        return new Version(version / 1000, version % 1000 / 10);
    }

    /// <summary>Makes the GPU that of the calling thread; every thread that calls CUDA does so first.</summary>
    public void MakeCurrent() => CudaException.Check(NativeMethods.cuCtxSetCurrent(_context), "cuCtxSetCurrent");

    /// <inheritdoc/>
    public void Dispose() => _ = NativeMethods.cuDevicePrimaryCtxRelease_v2(_handle);
}
