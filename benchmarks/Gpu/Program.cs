using System.Globalization;
using OpenEmbedding.Collectives;
using OpenEmbedding.Collectives.Cuda;
using OpenEmbedding.Collectives.Nccl;

namespace OpenEmbedding.Benchmarks.Gpu;

/// <summary>
/// The program <c>oe-gpu-check</c>: whether NCCL and training on CUDA are right on this machine, and how fast they are beside PyTorch. What
/// <c>scripts/gpu_check.sh</c> runs.
/// </summary>
/// <remarks>
/// <c>oe-gpu-check</c> does all; <c>oe-gpu-check checks [NAME]</c> leaves the speed out, and the comparisons without so much in their names; <c>oe-gpu-check speed [MODEL [DIMENSION [BATCH]]]</c> measures only that, or one
/// model of it.
/// </remarks>
internal static class Program
{
    public static int Main(string[] args)
    {
        if (args is not ([] or ["checks"] or ["checks", _] or ["speed", ..]))
        {
            Console.Error.WriteLine($"oe-gpu-check: unknown argument {args[0]}; usage: oe-gpu-check [checks [NAME] | speed [MODEL [DIMENSION [BATCH]]]]");
            return JobExitCode.Configuration;
        }

        if ((CudaDevice.WhyNone() ?? NcclCommunicator.WhyNone()) is { } reason)
        {
            Console.Error.WriteLine($"oe-gpu-check: {reason}");
            return JobExitCode.Cluster;
        }

        using (CudaDevice device = CudaDevice.Open(0))
        {
            Say($"{device.Name}, {device.MemoryBytes >> 30} GiB; driver for CUDA {CudaDevice.DriverVersion()}, NCCL {NcclCommunicator.LibraryVersion()}, {Environment.ProcessorCount} cores");
        }

        string folder = Directory.CreateTempSubdirectory("oe-gpu-check-").FullName;
        try
        {
            var jobs = new Jobs(folder);
            bool passed = true;
            if (args is [] or ["checks", ..])
            {
                passed &= GpuTests.Run(Say);
                passed &= new Equality(jobs, folder).Run(Say, args.ElementAtOrDefault(1) ?? "");
            }

            if (args is [] or ["speed", ..])
            {
                passed &= new Speed(jobs, folder).Run(Say, args.Skip(1).ToArray());
            }

            Say(passed ? "all checks passed" : "checks FAILED");
            return passed ? JobExitCode.Success : JobExitCode.Failure;
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static void Say(string line) => Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"oe-gpu-check: {line}"));
}
