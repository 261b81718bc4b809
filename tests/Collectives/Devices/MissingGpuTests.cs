using OpenEmbedding.Collectives.Cuda;
using OpenEmbedding.Collectives.Nccl;

namespace OpenEmbedding.Collectives.Tests.Devices;

/// <summary>What callers hear where there is no GPU or no NCCL, and of arguments that no library sees.</summary>
public sealed class MissingGpuTests
{
    [Fact]
    public void Without_a_gpu_the_reason_is_told_and_opening_one_is_an_error_of_the_cluster()
    {
        if (CudaDevice.WhyNone() is not { } reason)
        {
            return;
        }

        Assert.StartsWith("NVIDIA's driver", reason, StringComparison.Ordinal);
        var failure = Assert.Throws<OpenEmbeddingException>(() => CudaDevice.Open(0));
        Assert.Equal(reason, failure.Message);
        Assert.Equal(JobExitCode.Cluster, failure.ExitCode);
    }

    [Fact]
    public void A_missing_nccl_is_named() =>
        Assert.True(NcclCommunicator.WhyNone() is null or "NVIDIA's library libnccl.so.2 does not load; install NCCL (package libnccl2)");

    [Theory]
    [InlineData(127, 0, 1, "identity")]
    [InlineData(128, 0, 0, "size")]
    [InlineData(128, -1, 2, "rank")]
    [InlineData(128, 2, 2, "rank")]
    public void A_communicator_wants_a_whole_identity_and_a_rank_below_its_size(int bytes, int rank, int size, string wrong)
    {
        var failure = Assert.Throws<ArgumentOutOfRangeException>(() => new NcclCommunicator(new byte[bytes], rank, size));
        Assert.Equal(wrong, failure.ParamName);
    }
}
