namespace OpenEmbedding.Collectives.Cuda;

/// <summary>A block of the memory of the calling thread's GPU.</summary>
public sealed unsafe class DeviceMemory : IDisposable
{
    /// <summary>Allocates; the content is undefined.</summary>
    /// <param name="bytes">The size, 1 or more.</param>
    /// <exception cref="CudaException">The GPU has not so much left.</exception>
    public DeviceMemory(long bytes)
    {
        nint address;
        CudaException.Check(NativeMethods.cuMemAlloc_v2(&address, checked((nuint)bytes)), $"cuMemAlloc of {bytes} bytes");
        Address = address;
    }

    /// <summary>Where it begins, an address of the GPU.</summary>
    public nint Address { get; }

    /// <inheritdoc/>
    public void Dispose() => _ = NativeMethods.cuMemFree_v2(Address);
}
