using System.Globalization;
using System.Text.Json;
using OpenEmbedding.Benchmarks.Cluster.Network;

namespace OpenEmbedding.Benchmarks.Cluster.Jobs;

/// <summary>Writes the command lines of the jobs.</summary>
/// <param name="options">What is asked for.</param>
/// <param name="hosts">Where the ranks run.</param>
internal sealed class JobCommand(BenchOptions options, IHosts hosts)
{
    private static readonly string _dotnet = Environment.ProcessPath!;
    private static readonly string _folder = AppContext.BaseDirectory;

    /// <summary>The program and its arguments of one run.</summary>
    /// <param name="contender">A strategy or the ceiling.</param>
    /// <param name="job">Model and ranks.</param>
    /// <param name="data">The rows.</param>
    /// <param name="length">How many steps.</param>
    /// <param name="summary">The file for the result.</param>
    public IReadOnlyList<string> Build(Contender contender, Case job, BenchData data, RunLength length, string summary) =>
    [
        .. hosts.Launcher(job.Ranks),
        "-np", Text(job.Ranks),
        .. contender switch
        {
            Contender.Ceiling => CeilingArguments(job, length, summary),
            Contender.PyTorch => PyTorchArguments(job, data, length, summary),
            _ => TrainerArguments(contender, job, data, length, summary),
        },
    ];

    private IEnumerable<string> CeilingArguments(Case job, RunLength length, string summary) =>
    [
        _dotnet, Path.Combine(_folder, "OpenEmbedding.Benchmarks.Cluster.dll"),
        "ceiling",
        "--model", Workload.NameOf(job.Workload.Model),
        "--dim", Text(job.Workload.Dimension),
        "--batch", Text(options.BatchSize),
        "--warmup", Text(length.WarmUp),
        "--steps", Text(length.Measured),
        "--summary", summary,
    ];

    private IEnumerable<string> PyTorchArguments(Case job, BenchData data, RunLength length, string summary) =>
    [
        PyTorchPeer.Python, PyTorchPeer.Script,
        "--dim", Text(job.Workload.Dimension),
        "--vocabulary", string.Join(',', data.Vocabulary),
        "--zipf", options.Zipf.ToString(CultureInfo.InvariantCulture),
        "--batch", Text(options.BatchSize),
        "--warmup", Text(length.WarmUp),
        "--steps", Text(length.Measured),
        "--rendezvous", summary + ".rendezvous",
        "--summary", summary,
    ];

    private IEnumerable<string> TrainerArguments(Contender contender, Case job, BenchData data, RunLength length, string summary)
    {
        long rows = (long)length.Steps * options.BatchSize * job.Ranks;
        int passes = (int)((rows + options.Rows - 1) / options.Rows);
        return
        [
            _dotnet, Path.Combine(_folder, "OpenEmbedding.Trainer.dll"),
            "--data.train", JsonSerializer.Serialize(Enumerable.Repeat(data.Path, passes)),
            "--data.vocabulary", string.Join(',', data.Vocabulary),
            "--data.dense_scale", "log",
            .. BenchModel.Arguments(job.Workload),
            "--train.batch_size", Text(options.BatchSize),
            "--train.steps", Text(length.Steps),
            "--train.log_every", "0",
            "--cluster.strategy", NameOf(contender),
            .. contender == Contender.Ps && job.Ranks > 1 ? ["--cluster.servers", options.ServersOf(job.Ranks).ToString()] : Array.Empty<string>(),
            "--output.progress", "none",
            "--output.steady_after", Text(length.WarmUp),
            "--output.summary", summary,
            .. options.TrainerOptions,
        ];
    }

    /// <summary>The name of a contender, as options and tables have it.</summary>
    public static string NameOf(Contender contender) => contender.ToString().ToLowerInvariant();

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
