namespace OpenEmbedding.Collectives.Cuda;

/// <summary>A queue of work of the GPU: its entries run one after the other, beside those of other streams.</summary>
public sealed unsafe class CudaStream : IDisposable
{
    private CudaStream(nint handle)
    {
        Handle = handle;
    }

    /// <summary>The stream that libtorch computes on unless told otherwise.</summary>
    public static CudaStream Default { get; } = new(0);

    internal nint Handle { get; }

    /// <summary>Makes a stream of the calling thread's GPU that runs beside the default one.</summary>
    public static CudaStream Create()
    {
        nint handle;
        CudaException.Check(NativeMethods.cuStreamCreate(&handle, NativeMethods.NonBlocking), "cuStreamCreate");
        return new CudaStream(handle);
    }

    /// <summary>Lets what follows on this stream wait for what the event was recorded behind.</summary>
    public void WaitFor(CudaEvent awaited) =>
        CudaException.Check(NativeMethods.cuStreamWaitEvent(Handle, awaited.Handle, 0), "cuStreamWaitEvent");

    /// <summary>Copies to the GPU, behind what the stream has; pinned memory is copied without the processor.</summary>
    /// <param name="device">The address on the GPU.</param>
    /// <param name="host">The address in memory, left as it is until the copy is over.</param>
    /// <param name="bytes">The length.</param>
    public void CopyToDevice(nint device, nint host, long bytes) =>
        CudaException.Check(NativeMethods.cuMemcpyHtoDAsync_v2(device, host, (nuint)bytes, Handle), "cuMemcpyHtoDAsync");

    /// <summary>Copies from the GPU, behind what the stream has.</summary>
    /// <param name="host">The address in memory.</param>
    /// <param name="device">The address on the GPU.</param>
    /// <param name="bytes">The length.</param>
    public void CopyToHost(nint host, nint device, long bytes) =>
        CudaException.Check(NativeMethods.cuMemcpyDtoHAsync_v2(host, device, (nuint)bytes, Handle), "cuMemcpyDtoHAsync");

    /// <summary>Waits until the stream is empty.</summary>
    public void Synchronize() => CudaException.Check(NativeMethods.cuStreamSynchronize(Handle), "cuStreamSynchronize");

    /// <inheritdoc/>
    public void Dispose()
    {
        if (Handle != 0)
        {
            _ = NativeMethods.cuStreamDestroy_v2(Handle);
        }
    }
}
