namespace OpenEmbedding.Collectives.Cuda;

/// <summary>Memory of the host that stays in its place, so that the GPU copies from and to it by itself; any GPU of the process.</summary>
public static unsafe class PinnedMemory
{
    /// <summary>Allocates; the content is undefined.</summary>
    /// <param name="bytes">The size, 1 or more.</param>
    /// <returns>The address, aligned to a page.</returns>
    /// <exception cref="CudaException">The system gives no more.</exception>
    public static nint Allocate(long bytes)
    {
        nint address;
        CudaException.Check(
            NativeMethods.cuMemHostAlloc(&address, checked((nuint)bytes), NativeMethods.Portable), $"cuMemHostAlloc of {bytes} bytes");
        return address;
    }

    /// <summary>Gives back what <see cref="Allocate"/> gave; 0 is let pass.</summary>
    public static void Free(nint address)
    {
        if (address != 0)
        {
            _ = NativeMethods.cuMemFreeHost(address);
        }
    }
}
