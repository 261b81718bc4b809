using OpenEmbedding.Collectives.Cuda;
using OpenEmbedding.Collectives.Nccl;

namespace OpenEmbedding.Collectives;

/// <summary>An operation on device memory, which NCCL runs on a stream; the thread that drives puts it there and watches for its end.</summary>
internal sealed class DeviceOperation(string kind, string extent) : CollectiveOperation
{
    private CudaEvent? _end;

    internal override string Kind => $"NCCL {kind}";

    internal override string Extent => extent;

    internal required DeviceLink Link { get; init; }

    /// <summary>Lies behind what fills the buffers.</summary>
    internal required CudaEvent Ready { get; init; }

    internal required Action<NcclCommunicator, CudaStream> Enqueue { get; init; }

    internal override void Start()
    {
        Link.Device.MakeCurrent();
        Link.Stream.WaitFor(Ready);
        Enqueue(Link.Communicator, Link.Stream);
        _end = new CudaEvent();
        _end.Record(Link.Stream);
        IssuedAll();
    }

    internal override bool Advance()
    {
        Link.Device.MakeCurrent();
        if (_end!.IsPast)
        {
            return true;
        }

        Link.Communicator.CheckProgress(Kind);
        return false;
    }

    internal override void Release() => _end?.Dispose();
}
