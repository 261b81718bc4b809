using OpenEmbedding.Collectives.Cuda;

namespace OpenEmbedding.Collectives.Nccl;

/// <summary>What the members of a process set have in common on their GPUs: a communicator and, on each, a stream for its operations.</summary>
internal sealed class DeviceLink : IDisposable
{
    internal DeviceLink(CudaDevice device, NcclCommunicator communicator)
    {
        Device = device;
        Communicator = communicator;
        Stream = CudaStream.Create();
    }

    internal CudaDevice Device { get; }

    internal NcclCommunicator Communicator { get; }

    internal CudaStream Stream { get; }

    public void Dispose()
    {
        Device.MakeCurrent();
        Communicator.Dispose();
        Stream.Dispose();
    }
}
