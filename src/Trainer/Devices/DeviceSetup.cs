using OpenEmbedding.Collectives;
using OpenEmbedding.Collectives.Cuda;
using OpenEmbedding.Trainer.Configuration;
using OpenEmbedding.Trainer.Training;
using TorchSharp;

namespace OpenEmbedding.Trainer.Devices;

/// <summary>Gives every trainer its GPU at start-up, or all of them the processor.</summary>
internal static class DeviceSetup
{
    /// <summary>Opens this trainer's GPU and joins it with the others'; every rank of the job calls it.</summary>
    /// <param name="options">What the configuration wants.</param>
    /// <param name="communication">The job.</param>
    /// <param name="trainers">The trainers; GPUs go by their number among those on the same host.</param>
    /// <returns>The GPU; null on servers, and where the processor computes.</returns>
    /// <exception cref="StartupException">The configuration wants what a rank does not have.</exception>
    public static CudaDevice? Together(JobOptions options, Communication communication, ProcessSet trainers)
    {
        if (options.Train.Device == DeviceKind.Cpu)
        {
            return null;
        }

        bool required = options.Train.Device == DeviceKind.Cuda;
        Found found = StartupCheck.Together(communication, () => trainers.IsMember ? Open(communication, trainers, required) : new Found(null, null));
        if (trainers.IsMember && !required)
        {
            found = SameOnAll(found, trainers);
        }

        string? apart = found.Device is { } device && trainers.Size > 1 ? Join(options.Cluster.Dense, device, trainers) : null;
        StartupCheck.Together(
            communication,
            () => apart is null || options.Cluster.Dense != DenseTransport.Nccl
                ? true
                : throw new OpenEmbeddingException($"cluster.dense is nccl, but {apart}; allowed here: auto, mpi", JobExitCode.Cluster));
        if (apart is not null && trainers.Rank == 0)
        {
            RankFailure.Say($"dense gradients go through MPI: {apart}");
        }

        return found.Device;
    }

    /// <summary>The number of a trainer's GPU: trainers of a host take its GPUs in turn.</summary>
    /// <param name="rank">The trainer's rank in the job.</param>
    /// <param name="trainers">The ranks that train.</param>
    /// <param name="hosts">The host of each rank.</param>
    /// <param name="devices">GPUs of the host, 1 or more.</param>
    internal static int OrdinalOf(int rank, IEnumerable<int> trainers, IReadOnlyList<string> hosts, int devices) =>
        trainers.Count(other => other < rank && hosts[other] == hosts[rank]) % devices;

    private static Found Open(Communication communication, ProcessSet trainers, bool required)
    {
        string? obstacle = CudaDevice.WhyNone();
        if (obstacle is null && !torch.cuda.is_available())
        {
            obstacle = $"this program's libtorch computes on the processor only; build with TorchBackend=cuda, or with TorchBackend=system and {TorchLibrary.Variable}";
        }

        if (obstacle is null)
        {
            return new Found(CudaDevice.Open(OrdinalOf(communication.Rank, trainers.Ranks, communication.Hosts, CudaDevice.Count())), null);
        }

        return required
            ? throw new OpenEmbeddingException($"train.device is cuda, but {obstacle}; allowed here: auto, cpu", JobExitCode.Cluster)
            : new Found(null, obstacle);
    }

    private static Found SameOnAll(Found found, ProcessSet trainers)
    {
        string?[] obstacles = trainers.AllGatherObject(found.Obstacle);
        int without = Array.FindIndex(obstacles, obstacle => obstacle is not null);
        if (without < 0)
        {
            return found;
        }

        if (trainers.Rank == 0 && obstacles.Contains(null))
        {
            RankFailure.Say($"all trainers compute on the processor, since rank {trainers.Ranks[without]} has no GPU: {obstacles[without]}");
        }

        found.Device?.Dispose();
        return new Found(null, null);
    }

    /// <summary>Joins the trainers' GPUs.</summary>
    /// <returns>Why they stay apart, the same on all; null when they are joined or are not to be.</returns>
    private static string? Join(DenseTransport transport, CudaDevice device, ProcessSet trainers)
    {
        if (transport == DenseTransport.Mpi)
        {
            return null;
        }

        string? obstacle = trainers.WhyDevicesStayApart(device);
        if (obstacle is null)
        {
            trainers.JoinDevices(device);
        }

        return obstacle;
    }

    /// <summary>What a trainer has.</summary>
    private sealed record Found(CudaDevice? Device, string? Obstacle);
}
