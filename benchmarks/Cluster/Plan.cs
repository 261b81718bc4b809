using OpenEmbedding.EmbeddingPs.Server;
using OpenEmbedding.Trainer.Configuration;

namespace OpenEmbedding.Benchmarks.Cluster;

/// <summary>Who competes: the three strategies of <c>oe-train</c>, and the dense computation alone, which none of them can outrun.</summary>
public enum Contender
{
    /// <summary>Every rank does the dense computation alone, embeddings given.</summary>
    Ceiling,

    /// <summary>Servers hold the rows.</summary>
    Ps,

    /// <summary>Every rank holds all rows; gradients of whole tables are all-reduced.</summary>
    AllReduce,

    /// <summary>Every rank holds all rows; sparse gradients are all-gathered.</summary>
    AllGather,

    /// <summary>PyTorch with gloo; sparse gradients are all-gathered.</summary>
    PyTorch,
}

/// <summary>A model at one embedding dimension.</summary>
/// <param name="Model">WDL, DeepFM or xDeepFM.</param>
/// <param name="Dimension">Weights of an embedding.</param>
public sealed record Workload(ModelName Model, int Dimension)
{
    /// <summary>As in the table and the chart: "DeepFM 9".</summary>
    public override string ToString() => $"{NameOf(Model)} {Dimension}";

    /// <summary>The name of a model as a configuration has it.</summary>
    public static string NameOf(ModelName model) => model == ModelName.XDeepFM ? "xDeepFM" : model.ToString();
}

/// <summary>A workload on a number of ranks with tables of a number of ids: what the contenders run in turn.</summary>
/// <param name="Workload">Model and dimension.</param>
/// <param name="Ranks">Ranks of the job, servers included.</param>
/// <param name="Ids">Ids of all columns together.</param>
public sealed record Case(Workload Workload, int Ranks, int Ids)
{
    /// <summary>As in the lines of progress: "DeepFM 9, 8 ranks".</summary>
    public override string ToString() => $"{Workload}, {Ranks} rank{(Ranks == 1 ? "" : "s")}";
}

/// <summary>What is asked for.</summary>
public sealed record BenchOptions
{
    /// <summary>Models and dimensions, in the order in which they run.</summary>
    public IReadOnlyList<Workload> Workloads { get; init; } = [];

    /// <summary>Numbers of ranks, in the order in which they run.</summary>
    public IReadOnlyList<int> Ranks { get; init; } = [1, 2, 4, 8];

    /// <summary>The strategies, in the order in which they take turns.</summary>
    public IReadOnlyList<Contender> Contenders { get; init; } = [Contender.Ceiling, Contender.Ps, Contender.AllReduce, Contender.AllGather];

    /// <summary>Measured runs of each.</summary>
    public int Repeats { get; init; } = 3;

    /// <summary>The measured time of a run, in seconds, that the number of steps aims at.</summary>
    public double Seconds { get; init; } = 10;

    /// <summary>Steps of a run before the measured ones: they compile, make rows and fill caches.</summary>
    public int WarmUp { get; init; } = 16;

    /// <summary>When a job is ended and counts as failed, in seconds.</summary>
    public double Timeout { get; init; } = 300;

    /// <summary>Rows per step and trainer.</summary>
    public int BatchSize { get; init; } = 4096;

    /// <summary>Ids of all columns together; less where replicas of all ranks would not fit into memory.</summary>
    public int Ids { get; init; } = 5_000_000;

    /// <summary>The exponent of Zipf's law.</summary>
    public double Zipf { get; init; } = 1.05;

    /// <summary>Rows of the data file, which is read again and again.</summary>
    public int Rows { get; init; } = 1 << 20;

    /// <summary><c>cluster.servers</c> of the ps jobs; null for <see cref="ServersOf"/>'s choice.</summary>
    public ServerCount? Servers { get; init; }

    /// <summary>The folder of the data files.</summary>
    public string DataFolder { get; init; } = "artifacts/bench/data";

    /// <summary>The folder for table, JSON and chart.</summary>
    public string OutFolder { get; init; } = "artifacts/bench";

    /// <summary>The rate of the links between hosts that <c>tc</c> takes, as 1gbit; null runs on this machine as it is.</summary>
    public string? Network { get; init; }

    /// <summary>Hosts on the slow network.</summary>
    public int Hosts { get; init; } = 4;

    /// <summary>Options that every <c>oe-train</c> job gets besides.</summary>
    public IReadOnlyList<string> TrainerOptions { get; init; } = [];

    /// <summary><c>cluster.servers</c> of a ps job: what was asked for, else servers beside trainers, as many as cores, but one on each host.</summary>
    public ServerCount ServersOf(int ranks)
    {
        int most = Math.Max(Environment.ProcessorCount, Network is null ? 1 : Hosts);
        return Servers ?? (ranks > most ? ServerCount.ColocatedOn(most) : ServerCount.Colocated);
    }
}
