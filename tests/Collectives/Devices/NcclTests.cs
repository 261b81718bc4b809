using OpenEmbedding.Collectives.Cuda;
using OpenEmbedding.Collectives.Nccl;

namespace OpenEmbedding.Collectives.Tests.Devices;

/// <summary>NCCL's operations on one GPU: of one rank each gives back what it got, whatever its type.</summary>
public sealed unsafe class NcclTests : IDisposable
{
    private const int Count = 1000;

    private readonly CudaDevice _device = CudaDevice.Open(0);
    private readonly CudaStream _stream = CudaStream.Create();
    private readonly NcclCommunicator _communicator;

    public NcclTests()
    {
        _communicator = new NcclCommunicator(NcclCommunicator.NewIdentity(), rank: 0, size: 1);
    }

    public void Dispose()
    {
        _communicator.Dispose();
        _stream.Dispose();
        _device.Dispose();
    }

    [GpuFact]
    public void Every_operation_takes_every_type()
    {
        foreach (var type in Enum.GetValues<ElementType>())
        {
            foreach (var operation in Enum.GetValues<ReduceOperation>())
            {
                AssertKept(type, (from, to) => _communicator.AllReduce(from, to, Count, type, operation, _stream));
                AssertKept(type, (from, to) => _communicator.ReduceScatter(from, to, Count, type, operation, _stream));
            }

            AssertKept(type, (from, to) => _communicator.AllGather(from, to, Count, type, _stream));
            AssertKept(type, (from, to) =>
            {
                _communicator.AllReduce(from, to, Count, type, ReduceOperation.Sum, _stream);
                _communicator.Broadcast(to, Count, type, root: 0, _stream);
            });
        }
    }

    [GpuFact]
    public void A_group_starts_its_calls_together() => AssertKept(ElementType.Float32, (from, to) =>
    {
        NcclCommunicator.BeginGroup();
        _communicator.AllReduce(from, to, Count / 2, ElementType.Float32, ReduceOperation.Sum, _stream);
        _communicator.AllReduce(from + (Count / 2 * sizeof(float)), to + (Count / 2 * sizeof(float)), Count / 2, ElementType.Float32, ReduceOperation.Sum, _stream);
        NcclCommunicator.EndGroup();
    });

    [GpuFact]
    public void A_process_set_runs_them_behind_what_fills_the_buffer()
    {
        using var communication = Communication.Start();
        var world = communication.World;
        Assert.Null(world.WhyDevicesStayApart(_device));
        world.JoinDevices(_device);
        using var ready = new CudaEvent();
        AssertKept(ElementType.Float32, (from, to) =>
        {
            ready.Record(_stream);
            world.DeviceAllReduceAsync("sum", from, Count, ElementType.Float32, ReduceOperation.Sum, ready).Wait();
            world.DeviceBroadcastAsync("copy", from, Count, ElementType.Float32, root: 0, ready).Wait();
            world.DeviceAllGatherAsync("gather", from, to, Count, ElementType.Float32, ready).Wait();
            world.DeviceReduceScatterAsync("scatter", from, to, Count, ElementType.Float32, ReduceOperation.Average, ready).Wait();
        });
    }

    [GpuFact]
    public void More_memory_than_the_gpu_has_is_an_exception()
    {
        var failure = Assert.Throws<CudaException>(() => new DeviceMemory(_device.MemoryBytes * 2));
        Assert.Contains("out of memory", failure.Message, StringComparison.Ordinal);
    }

    [GpuFact]
    public void A_gpu_that_is_not_there_is_named()
    {
        var failure = Assert.Throws<OpenEmbeddingException>(() => CudaDevice.Open(1000));
        Assert.StartsWith("there is no GPU 1000; this process sees ", failure.Message, StringComparison.Ordinal);
    }

    private void AssertKept(ElementType type, Action<nint, nint> run)
    {
        var bytes = Count * type.SizeOf();
        using var from = new DeviceMemory(bytes);
        using var to = new DeviceMemory(bytes);
        var sent = new byte[bytes];

        // Halves of small numbers: every type has them, and no rounding is left.
        new Random(1).NextBytes(sent);
        for (var i = type.SizeOf() - 1; i < bytes; i += type.SizeOf())
        {
            sent[i] = 0x3c;
        }

        var received = new byte[bytes];
        fixed (byte* source = sent)
        fixed (byte* target = received)
        {
            _stream.CopyToDevice(from.Address, (nint)source, bytes);
            run(from.Address, to.Address);
            _stream.CopyToHost((nint)target, to.Address, bytes);
            _stream.Synchronize();
        }

        Assert.Equal(sent, received);
    }
}
