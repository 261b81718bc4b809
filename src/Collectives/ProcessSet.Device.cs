using OpenEmbedding.Collectives.Cuda;
using OpenEmbedding.Collectives.Nccl;

namespace OpenEmbedding.Collectives;

/// <content>Operations on the memory of GPUs, by NCCL. Their order among themselves and the other operations is the same on every rank.</content>
public sealed partial class ProcessSet
{
    private DeviceLink? _link;

    /// <summary>Whether <see cref="JoinDevices"/> has joined the members' GPUs.</summary>
    public bool HasDevices => _link is not null;

    /// <summary>Why NCCL cannot join the members' GPUs, the same text on every member; null when it can. Every member calls it.</summary>
    /// <param name="device">This member's GPU.</param>
    public string? WhyDevicesStayApart(CudaDevice device)
    {
        CheckMember();
        var members = AllGatherObject((Host: _communication.HostName, Device: device.Identity, Obstacle: NcclCommunicator.WhyNone()));
        for (var rank = 0; rank < members.Length; rank++)
        {
            if (members[rank].Obstacle is { } obstacle)
            {
                return $"rank {Ranks[rank]}: {obstacle}";
            }

            var other = Array.FindIndex(members, 0, rank, member => member.Host == members[rank].Host && member.Device == members[rank].Device);
            if (other >= 0)
            {
                return $"ranks {Ranks[other]} and {Ranks[rank]} share a GPU of {members[rank].Host}, and NCCL takes one rank on each";
            }
        }

        return null;
    }

    /// <summary>Joins the members' GPUs; every member calls it, once, and only where <see cref="WhyDevicesStayApart"/> gives null.</summary>
    /// <param name="device">This member's GPU.</param>
    /// <exception cref="NcclException">They do not find each other.</exception>
    public void JoinDevices(CudaDevice device)
    {
        CheckMember();
        var identity = BroadcastObject(Rank == 0 ? NcclCommunicator.NewIdentity() : []);
        device.MakeCurrent();
        _link = new DeviceLink(device, new NcclCommunicator(identity, Rank, Size));
    }

    /// <summary>Starts to reduce a buffer of the GPU in place over all members.</summary>
    /// <param name="name">The name for messages.</param>
    /// <param name="data">The elements, an address of the GPU.</param>
    /// <param name="count">The number of elements; the same on every rank.</param>
    /// <param name="type">The type of the elements.</param>
    /// <param name="operation">The reduction.</param>
    /// <param name="ready">Recorded behind what fills the buffer; kept until the operation is complete.</param>
    /// <returns>Complete once the result is in the buffer.</returns>
    public Pending DeviceAllReduceAsync(string name, nint data, long count, ElementType type, ReduceOperation operation, CudaEvent ready) =>
        BeginOnDevice(
            NewDeviceOperation(
                name, "all-reduce", count, type, ready, (communicator, stream) => communicator.AllReduce(data, data, count, type, operation, stream)));

    /// <summary>Starts to copy one member's buffer to those of all, on their GPUs.</summary>
    /// <param name="name">The name for messages.</param>
    /// <param name="data">The elements, an address of the GPU.</param>
    /// <param name="count">The number of elements; the same on every rank.</param>
    /// <param name="type">The type of the elements.</param>
    /// <param name="root">The rank within the set whose buffer is copied.</param>
    /// <param name="ready">Recorded behind what fills the buffer, or uses it last; kept until the operation is complete.</param>
    public Pending DeviceBroadcastAsync(string name, nint data, long count, ElementType type, int root, CudaEvent ready) =>
        BeginOnDevice(
            NewDeviceOperation(
                name, "broadcast", count, type, ready, (communicator, stream) => communicator.Broadcast(data, count, type, root, stream)));

    /// <summary>Starts to gather every member's block, one after the other, on every member's GPU.</summary>
    /// <param name="name">The name for messages.</param>
    /// <param name="send">This member's block, an address of the GPU.</param>
    /// <param name="receive">The result, as long as all blocks.</param>
    /// <param name="count">The number of elements of a block; the same on every rank.</param>
    /// <param name="type">The type of the elements.</param>
    /// <param name="ready">Recorded behind what fills the block; kept until the operation is complete.</param>
    public Pending DeviceAllGatherAsync(string name, nint send, nint receive, long count, ElementType type, CudaEvent ready) =>
        BeginOnDevice(
            NewDeviceOperation(
                name, "all-gather", count, type, ready, (communicator, stream) => communicator.AllGather(send, receive, count, type, stream)));

    /// <summary>Starts to reduce a buffer over all members' GPUs and to leave each its block.</summary>
    /// <param name="name">The name for messages.</param>
    /// <param name="send">All elements, an address of the GPU.</param>
    /// <param name="receive">This member's block of the result.</param>
    /// <param name="count">The number of elements of a block; the same on every rank.</param>
    /// <param name="type">The type of the elements.</param>
    /// <param name="operation">The reduction.</param>
    /// <param name="ready">Recorded behind what fills the buffer; kept until the operation is complete.</param>
    public Pending DeviceReduceScatterAsync(
        string name, nint send, nint receive, long count, ElementType type, ReduceOperation operation, CudaEvent ready) =>
        BeginOnDevice(
            NewDeviceOperation(
                name, "reduce-scatter", count, type, ready, (communicator, stream) => communicator.ReduceScatter(send, receive, count, type, operation, stream)));

    private Pending BeginOnDevice(DeviceOperation operation)
    {
        if (_lane is not null)
        {
            return Begin(operation);
        }

        // A process by itself has nobody that drives.
        operation.Start();
        operation.Link.Stream.Synchronize();
        operation.Release();
        return Pending.Done;
    }

    private DeviceOperation NewDeviceOperation(
        string name, string kind, long count, ElementType type, CudaEvent ready, Action<NcclCommunicator, CudaStream> enqueue)
    {
        CheckMember();
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        return new DeviceOperation(kind, $"{count} {type.Name()}")
        {
            Name = name,
            Pending = NewPending(),
            Communicator = _communicator!,
            Link = _link ?? throw new InvalidOperationException("the members' GPUs are not joined; call JoinDevices first"),
            Ready = ready,
            Enqueue = enqueue,
        };
    }
}
