using System.Globalization;
using System.Runtime.InteropServices;
using OpenEmbedding.Benchmarks.Cluster.Ceiling;
using OpenEmbedding.Benchmarks.Cluster.CommandLine;
using OpenEmbedding.Benchmarks.Cluster.Jobs;
using OpenEmbedding.Benchmarks.Cluster.Network;
using OpenEmbedding.Benchmarks.Cluster.Results;
using OpenEmbedding.Collectives;

namespace OpenEmbedding.Benchmarks.Cluster;

/// <summary>The program <c>oe-bench</c>.</summary>
internal static class Program
{
    public static int Main(string[] args)
    {
        // Under mpirun this program is a rank of the ceiling.
        if (args is ["ceiling", .. var rest])
        {
            return CeilingRank.Run(CeilingArguments.Parse(rest));
        }

        try
        {
            if (BenchCommandLine.Parse(args) is { } options)
            {
                return Run(options);
            }

            Console.Write(BenchCommandLine.Help);
            return JobExitCode.Success;
        }
        catch (OperationCanceledException)
        {
            Console.Error.WriteLine("oe-bench: interrupted");
            return JobExitCode.Interrupted;
        }
        catch (Exception failure) when (failure is OpenEmbeddingException or IOException or UnauthorizedAccessException)
        {
            Console.Error.WriteLine($"oe-bench: {failure.Message}");
            return (failure as OpenEmbeddingException)?.ExitCode ?? JobExitCode.Failure;
        }
    }

    private static int Run(BenchOptions options)
    {
        if (options.Contenders.Contains(Contender.PyTorch) && PyTorchPeer.Missing() is { } missing)
        {
            throw new BenchException(missing);
        }

        DateTime started = DateTime.UtcNow;
        var processes = new JobProcess();
        using PosixSignalRegistration interrupt = OnSignal(PosixSignal.SIGINT, processes);
        using PosixSignalRegistration terminate = OnSignal(PosixSignal.SIGTERM, processes);
        using IHosts hosts = options.Network is { } rate ? SlowNetwork.Create(rate, options.Hosts) : new ThisMachine();
        var bench = new Bench(options, new JobCommand(options, hosts), processes, Say);
        Machine machine = Machine.Describe();
        Say(string.Create(CultureInfo.InvariantCulture, $"{machine.Cpu}, {machine.Cores} cores, {machine.Mpi}, commit {machine.Commit ?? "unknown"}"));
        Directory.CreateDirectory(options.OutFolder);
        var results = new List<CaseResult>();
        foreach (Case job in bench.Cases(MemoryLimit.AvailableBytes()))
        {
            results.Add(bench.Run(job));

            // After every case, so that a long benchmark that is interrupted leaves what it has.
            Write(options, machine, started, results);
        }

        Console.WriteLine();
        Console.Write(ResultTable.Write(results));
        return results.All(result => result.Runs.All(runs => runs.Problem is null)) ? JobExitCode.Success : JobExitCode.Failure;
    }

    private static void Write(BenchOptions options, Machine machine, DateTime started, IReadOnlyList<CaseResult> results)
    {
        File.WriteAllText(Path.Combine(options.OutFolder, "results.json"), ResultFile.Write(options, machine, started, results));
        File.WriteAllText(Path.Combine(options.OutFolder, "table.md"), ResultTable.Write(results));
        Chart.Write(Path.Combine(options.OutFolder, "chart.png"), results);
    }

    private static PosixSignalRegistration OnSignal(PosixSignal signal, JobProcess processes) =>
        PosixSignalRegistration.Create(signal, context =>
        {
            context.Cancel = true;
            processes.Interrupt();
        });

    private static void Say(string line) => Console.WriteLine($"oe-bench: {line}");
}
