using System.Runtime.InteropServices;
using MessagePack;
using OpenEmbedding.Collectives;
using OpenEmbedding.Collectives.Cuda;
using OpenEmbedding.EmbeddingPs.Client;
using OpenEmbedding.EmbeddingPs.Storage;
using OpenEmbedding.Trainer.Configuration;
using OpenEmbedding.Trainer.Devices;

namespace OpenEmbedding.Trainer.Training;

/// <summary><c>oe-train CONFIG.json</c> on one rank, from the first line to the exit code.</summary>
internal static class TrainCommand
{
    private static readonly TimeSpan _firstRankSpeaks = TimeSpan.FromMilliseconds(500);

    // To the very end of the process: SIGTERM would otherwise change the exit code while the runtime shuts down.
    private static readonly List<PosixSignalRegistration> _signals = [];

    /// <summary>Runs this rank's part of the job.</summary>
    /// <param name="load">Reads and checks the configuration.</param>
    /// <returns>The exit code, the same on every rank that gets this far.</returns>
    public static int Run(Func<JobOptions> load)
    {
        Communication communication;
        try
        {
            communication = Communication.Start(new CommunicationOptions { HandleSignals = false });
        }
        catch (OpenEmbeddingException failure)
        {
            Console.Error.WriteLine($"oe-train: {failure.Message}");
            return failure.ExitCode;
        }

        var interruption = new Interruption(TimeProvider.System);
        _signals.Add(OnSignal(PosixSignal.SIGINT, communication, interruption));
        _signals.Add(OnSignal(PosixSignal.SIGTERM, communication, interruption));
        try
        {
            return Run(communication, load, interruption);
        }
        catch (StartupException failure)
        {
            interruption.Settle();
            if (failure.FirstRank == communication.Rank)
            {
                Console.Error.WriteLine($"oe-train: {failure.Message}");
            }

            communication.Dispose();
            return failure.ExitCode;
        }
        catch (Exception failure) when (RankFailure.End(communication, failure))
        {
            return RankFailure.ExitCodeOf(failure);
        }
    }

    private static int Run(Communication communication, Func<JobOptions> load, Interruption interruption)
    {
        JobOptions options = StartupCheck.Together(communication, load);
        StartupCheck.SameEverywhere(communication, options.Hash);
        StartupCheck.Together(communication, TorchLibrary.LoadInstalled);
        options = StartingPoint.Resume(options, communication);
        communication.Configure(Cluster.CommunicationOptionsOf(options.Cluster));
        using Cluster cluster = StartupCheck.Together(
            communication, () => Cluster.Join(communication, options.Cluster, options.Embedding.SparseAsDenseSize, StorageOf(options.Embedding)));
        using CudaDevice? device = DeviceSetup.Together(options, communication, cluster.Trainers);
        cluster.Device = device;
        using JobInputs? inputs = StartupCheck.Together(
            communication, () => cluster.IsServer ? null : JobInputs.Open(options, cluster.Rank, cluster.Size));
        interruption.Deferred = options.Checkpoint.Directory is not null;
        if (inputs is null)
        {
            cluster.Serve();
            ReportMemory(communication);
            interruption.Settle();
            return ExitCodeOf(interruption);
        }

        inputs.Data.ShareScale(cluster.Trainers);
        using var job = new TrainingJob(options, cluster, inputs, interruption);
        TrainingResult result = job.Run();
        if (!result.Stopped)
        {
            job.WriteModel(inputs.Model);
            job.WriteExport(inputs.Export, result);
            job.WriteDenseExport(inputs.DenseExport, inputs.Model, result);
        }

        if (cluster.Rank == 0 && options.Output.Weights is { } weights)
        {
            WeightsFile.Write(weights, job, cluster.Store);
        }

        RankTraffic[] traffic = cluster.Trainers.AllGatherObject(
            new RankTraffic { BytesPulled = cluster.Store.Traffic.PulledBytes, BytesPushed = cluster.Store.Traffic.PushedBytes });
        IReadOnlyList<TableStatistics> tables = cluster.Rank == 0 ? cluster.Store.GetStatistics() : [];
        job.Report(tables);
        cluster.EndTraining();
        long[] memory = ReportMemory(communication);
        interruption.Settle();
        if (cluster.Rank == 0 && options.Output.Summary is { } summary)
        {
            Summarize(options, cluster, communication, result, traffic, tables, memory).Write(summary, options);
        }

        if (result.Stopped && cluster.Rank == 0)
        {
            Console.Error.WriteLine(
                $"oe-train: interrupted by {interruption.Signal ?? "a signal to another rank"} after step {result.Steps}; --load {options.Checkpoint.Directory} goes on from there");
        }

        return result.Stopped ? JobExitCode.Interrupted : JobExitCode.Success;
    }

    private static int ExitCodeOf(Interruption interruption) => interruption.Signal is null ? JobExitCode.Success : JobExitCode.Interrupted;

    private static StorageOptions? StorageOf(EmbeddingOptions options) =>
        options.Storage == StorageKind.Tiered ? new StorageOptions(options.StoragePath, (long)options.CacheMb << 20) : null;

    private static PosixSignalRegistration OnSignal(PosixSignal signal, Communication communication, Interruption interruption) =>
        PosixSignalRegistration.Create(signal, context =>
        {
            context.Cancel = true;
            if (interruption.Note(context.Signal))
            {
                return;
            }

            if (communication.Rank > 0)
            {
                // A Ctrl-C reaches all ranks; the first one speaks for them and ends them before this is over.
                Thread.Sleep(_firstRankSpeaks);
            }

            Console.Error.WriteLine($"oe-train: rank {communication.Rank}: interrupted by {context.Signal}; the job ends");
            communication.Abort(JobExitCode.Interrupted);
        });

    private static long[] ReportMemory(Communication communication) =>
        communication.World.AllGather<long>([ProcessMemory.PeakBytes()]);

    private static Summary Summarize(
        JobOptions options,
        Cluster cluster,
        Communication communication,
        TrainingResult result,
        RankTraffic[] traffic,
        IReadOnlyList<TableStatistics> tables,
        long[] memory) => new()
        {
            Strategy = options.Cluster.Strategy.ToString().ToLowerInvariant(),
            Ranks = communication.Size,
            Servers = cluster.Servers,
            Trainers = cluster.Size,
            Samples = result.Samples,
            LoadedSamples = result.LoadedSamples,
            Steps = result.Steps,
            Seconds = result.Seconds,
            Steady = result.Steady,
            Train = result.Train,
            Test = result.Test,
            StoppedEarly = result.StoppedEarly,
            BadRows = result.BadRows,
            BytesPulled = traffic.Sum(rank => rank.BytesPulled),
            BytesPushed = traffic.Sum(rank => rank.BytesPushed),
            PeakMemoryBytes = memory.Max(),
            PeakMemoryBytesByRank = memory,
            Tables = tables,
            Versions = Versions(),
        };

    /// <summary>The versions of what this process runs.</summary>
    internal static Dictionary<string, string> Versions() => new()
    {
        ["program"] = StartupCheck.ProgramVersion,
        ["protocol"] = EmbeddingPs.Protocol.Protocol.Version.ToString(),
        ["dotnet"] = Environment.Version.ToString(),
        ["torchsharp"] = typeof(TorchSharp.torch).Assembly.GetName().Version!.ToString(3),
        ["os"] = RuntimeInformation.OSDescription,
    };

    /// <summary>Bytes of one trainer.</summary>
    [MessagePackObject]
    public sealed record RankTraffic
    {
        /// <summary>Bytes received in pulls.</summary>
        [Key(0)]
        public long BytesPulled { get; init; }

        /// <summary>Bytes sent in pushes.</summary>
        [Key(1)]
        public long BytesPushed { get; init; }
    }
}
