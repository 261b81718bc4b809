using OpenEmbedding.Collectives.Cuda;
using OpenEmbedding.Collectives.Nccl;

namespace OpenEmbedding.Collectives.Tests.Devices;

/// <summary>A test that needs a GPU and NCCL; where one is missing, the test is skipped and says which.</summary>
public sealed class GpuFactAttribute : FactAttribute
{
    public GpuFactAttribute()
    {
        Skip = CudaDevice.WhyNone() ?? NcclCommunicator.WhyNone();
    }
}
