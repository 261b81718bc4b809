namespace OpenEmbedding.Collectives.Cuda;

/// <summary>A mark in a stream that other streams and the program can wait for.</summary>
public sealed unsafe class CudaEvent : IDisposable
{
    /// <summary>Makes an event of the calling thread's GPU; it counts as past until it is recorded.</summary>
    public CudaEvent()
    {
        nint handle;
        CudaException.Check(NativeMethods.cuEventCreate(&handle, NativeMethods.DisableTiming), "cuEventCreate");
        Handle = handle;
    }

    internal nint Handle { get; }

    /// <summary>Whether all that it was recorded behind is over.</summary>
    public bool IsPast
    {
        get
        {
            int code = NativeMethods.cuEventQuery(Handle);
            if (code != NativeMethods.NotReady)
            {
                CudaException.Check(code, "cuEventQuery");
            }

            return code == 0;
        }
    }

    /// <summary>Marks the end of what the stream has now.</summary>
    public void Record(CudaStream stream) => CudaException.Check(NativeMethods.cuEventRecord(Handle, stream.Handle), "cuEventRecord");

    /// <summary>Waits until all that it was recorded behind is over.</summary>
    public void Wait() => CudaException.Check(NativeMethods.cuEventSynchronize(Handle), "cuEventSynchronize");

    /// <inheritdoc/>
    public void Dispose() => _ = NativeMethods.cuEventDestroy_v2(Handle);
}
