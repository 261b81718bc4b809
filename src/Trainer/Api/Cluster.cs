using OpenEmbedding.Collectives;
using OpenEmbedding.Collectives.Cuda;
using OpenEmbedding.EmbeddingPs.Client;
using OpenEmbedding.EmbeddingPs.HotRows;
using OpenEmbedding.EmbeddingPs.Protocol;
using OpenEmbedding.EmbeddingPs.Replicas;
using OpenEmbedding.EmbeddingPs.Server;
using OpenEmbedding.EmbeddingPs.Storage;
using OpenEmbedding.Trainer.Configuration;
using OpenEmbedding.Trainer.Devices;
using OpenEmbedding.Trainer.Models;
using OpenEmbedding.Trainer.Tuning;
using TorchSharp;

namespace OpenEmbedding.Trainer;

/// <summary>
/// This process' part in the job. Under <c>mpirun</c> some ranks become servers that hold the embedding tables, the others train.
/// </summary>
/// <example>
/// <code>
/// using var cluster = Cluster.Start();
/// var model = cluster.DistributedModel(new DeepFM(features));
/// var optimizer = cluster.DistributedOptimizer(torch.optim.Adagrad(model.parameters()));
/// </code>
/// </example>
/// <remarks>Used from one thread. <see cref="Dispose"/> ends this rank's part; when all trainers have ended theirs, the servers end too.</remarks>
public sealed partial class Cluster : IDisposable
{
    // A table has one thread at a time, and a job has few large tables.
    private const int MostServerThreads = 4;

    private readonly Communication _communication;
    private readonly ClusterOptions _options;
    private readonly ClusterLayout _layout;
    private readonly int _serverThreads;
    private readonly HotRowOptions _replicated;
    private readonly StorageOptions? _storage;
    private readonly ProcessSet? _replicas;
    private readonly Thread? _serverThread;
    private readonly int _model;
    private EmbeddingClient? _servers;
    private IEmbeddingStore? _store;
    private bool _hasEnded;

    private Cluster(Communication communication, ClusterOptions options, int sparseAsDenseSize, StorageOptions? storage)
    {
        _model = Protocol.FirstModel;
        _first = this;
        _storage = storage;
        _communication = communication;
        _options = options;
        _replicated = new HotRowOptions { HotRows = options.HotRows, SparseAsDenseSize = sparseAsDenseSize };
        _layout = options.Strategy == ClusterStrategy.Ps
            ? ClusterLayout.Create(options.Servers, communication.Hosts)
            : new ClusterLayout([.. Enumerable.Range(0, communication.Size)], []);
        Trainers = communication.CreateProcessSet(_layout.Trainers);
        if (options.Strategy == ClusterStrategy.Ps && _replicated.IsOn)
        {
            // A set of its own: the store's operations come between those of the training loop at places that differ from rank to rank.
            _replicas = communication.CreateProcessSet(_layout.Trainers);
        }

        HoldTimelineAt(0);
        bool serves = _layout.Servers.Contains(communication.Rank);
        IsServer = serves && !Trainers.IsMember;
        int trainers = _layout.Trainers.Count(rank => communication.Hosts[rank] == communication.HostName);
        int onlyServers = communication.LocalSize - trainers;
        if (!IsServer)
        {
            TorchThreads.Share(trainers, onlyServers);
            TorchMemory.KeepFreed();
            TorchKernels.ChooseByInstructions();
        }

        _serverThreads = options.ServerThreads ?? Math.Min(MostServerThreads, IsServer ? TorchThreads.OfServer(trainers, onlyServers) : torch.get_num_threads());

        if (serves && Trainers.IsMember)
        {
            _serverThread = StartServing(Serve, "embedding server");
        }
    }

    /// <summary>This trainer's number among the trainers, from 0.</summary>
    public int Rank => Trainers.Rank;

    /// <summary>The number of trainers.</summary>
    public int Size => Trainers.Size;

    /// <summary>The number of servers; 0 for strategies without.</summary>
    public int Servers => _layout.Servers.Count;

    /// <summary>The ranks that train.</summary>
    public ProcessSet Trainers { get; }

    internal bool IsServer { get; }

    internal WireOptions Wire => _options.Wire;

    /// <summary>The GPU that <c>oe-train</c> computes the dense part on; null: the processor.</summary>
    internal CudaDevice? Device { get; set; }

    internal IEmbeddingStore Store => _store ??= _options.Strategy switch
    {
        ClusterStrategy.AllReduce => new AllReduceStore(Trainers, _options.Wire),
        ClusterStrategy.AllGather => new AllGatherStore(Trainers, _options.Wire),
        _ => CreateServedStore(),
    };

    /// <summary>
    /// Joins the job. On a rank that becomes a dedicated server this call serves until the trainers have ended, then ends the process
    /// with exit code 0: what follows in the program runs on trainers only.
    /// </summary>
    /// <param name="options">Strategy, servers and staleness, the same on every rank; by default a quarter of the ranks serve.</param>
    /// <param name="storage">Where servers keep rows that do not fit into memory, the same on every rank; by default all stay in memory.</param>
    /// <exception cref="OpenEmbeddingException">
    /// Started under another MPI's mpirun, more servers than ranks − 1, or storage for a strategy without servers.
    /// </exception>
    public static Cluster Start(ClusterOptions? options = null, StorageOptions? storage = null)
    {
        TorchLibrary.LoadInstalled();
        options ??= new ClusterOptions();
        if (storage is not null)
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(storage.CacheBytes, 1, nameof(storage));
            if (options.Strategy != ClusterStrategy.Ps)
            {
                throw new OpenEmbeddingException("tiered storage is that of servers; allowed: the strategy ps", JobExitCode.Configuration);
            }
        }

        var communication = Communication.Start(CommunicationOptionsOf(options));
        Cluster cluster = Join(communication, options, storage: storage);
        AppDomain.CurrentDomain.UnhandledException += (_, e) => cluster.Fail((Exception)e.ExceptionObject);
        if (cluster.IsServer)
        {
            cluster.Serve();
            cluster.Dispose();
            Environment.Exit(JobExitCode.Success);
        }

        return cluster;
    }

    /// <summary>Tells whether <paramref name="mine"/> is true on any trainer: <c>while (cluster.Any(batches.MoveNext()))</c> ends uneven data together.</summary>
    public bool Any(bool mine)
    {
        Span<int> flag = [mine ? 1 : 0];
        Trainers.AllReduce(flag, ReduceOperation.Max);
        return flag[0] != 0;
    }

    /// <summary>
    /// Ends this trainer's part, waits for the servers beside it and leaves MPI in good order. The cluster of another model ends that model's part
    /// only; the first one ends those of all.
    /// </summary>
    public void Dispose()
    {
        _others.ForEach(other => other.Dispose());
        _served?.Dispose();
        EndTraining();
        if (_first == this)
        {
            _communication.Dispose();
        }
    }

    internal static Cluster Join(
        Communication communication, ClusterOptions options, int sparseAsDenseSize = 0, StorageOptions? storage = null) =>
        new(communication, options, sparseAsDenseSize, storage);

    internal static CommunicationOptions CommunicationOptionsOf(ClusterOptions options) => new()
    {
        FusionBufferBytes = (long)(options.FusionBufferMb ?? TunedSettings.UsualFusionBufferMb) << 20,
        CycleTime = options.CycleTimeMs is { } cycle ? TimeSpan.FromMilliseconds(cycle) : null,
        StallWarning = TimeSpan.FromSeconds(options.StallWarningSeconds),
        StallShutdown = TimeSpan.FromSeconds(options.StallShutdownSeconds),
        Timeline = options.Timeline,
    };

    /// <summary>The settings with which a job begins.</summary>
    internal TunedSettings FirstSettings(JobOptions options) => TunedSettings.Of(options, _communication.CycleTime);

    /// <summary>The values that are tried for the settings of a job.</summary>
    internal SettingSpace SettingsOf(JobOptions options) => new(options, FirstSettings(options), _communication.Size);

    /// <summary>Sets how this rank communicates; all trainers do so between the same two steps.</summary>
    internal void Tune(TunedSettings settings) =>
        _communication.Tune((long)settings.FusionBufferMb << 20, TimeSpan.FromMilliseconds(settings.CycleTimeMs));

    /// <summary>Keeps the sums of the events that go to the rows of the timeline.</summary>
    internal PhaseTotals KeepPhases() => _communication.KeepPhases();

    /// <summary>A row of the timeline, for what a part of the program does.</summary>
    internal TimelineLane TimelineLane(string name) => _communication.TimelineLane(name);

    /// <summary>Keeps the timeline of those steps of the first model that are asked for.</summary>
    /// <param name="steps">Steps done on this rank.</param>
    internal void HoldTimelineAt(long steps)
    {
        if (_first != this)
        {
            return;
        }

        long place = steps - (_options.TimelineFrom - 1);
        _communication.HoldTimeline(place < 0 || place >= (_options.TimelineSteps ?? long.MaxValue));
    }

    internal void Serve()
    {
        var others = new List<Thread>();
        var server = new EmbeddingServer(_communication.Messenger, _layout, _options.Staleness, _options.Wire, _storage)
        {
            Timeline = TimelineLane("server"),
            Threads = _serverThreads,

            // One beside a trainer shares its timeline.
            StepApplied = IsServer ? HoldTimelineAt : null,
            ServeModel = model => others.Add(StartServing(() => ServeAnother(model), $"embedding server of model {model}")),
        };
        server.Run();
        others.ForEach(other => other.Join());
    }

    /// <summary>Says goodbye to the servers; the ranks may still talk to each other afterwards.</summary>
    internal void EndTraining()
    {
        if (_hasEnded)
        {
            return;
        }

        _hasEnded = true;
        if (_serverThread is not null)
        {
            // The server beside this trainer ends when all trainers have said goodbye, also those that never pulled.
            _ = Store;
        }

        _store?.Dispose();
        _serverThread?.Join();
    }

    private IEmbeddingStore CreateServedStore()
    {
        _servers = new EmbeddingClient(_communication.Messenger, _layout, _options.Staleness, _options.Wire, _model)
        {
            Timeline = TimelineLane(LaneName("pulls", _model)),
        };
        return _replicas is null ? _servers : new HotRowStore(_servers, _replicas, _replicated);
    }

    private Thread StartServing(Action serve, string name)
    {
        var thread = new Thread(() =>
        {
            try
            {
                serve();
            }
            catch (Exception failure)
            {
                Fail(failure);
            }
        })
        {
            IsBackground = true,
            Name = name,
        };
        thread.Start();
        return thread;
    }
}
