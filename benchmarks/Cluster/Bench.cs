using System.Globalization;
using OpenEmbedding.Benchmarks.Cluster.Jobs;
using OpenEmbedding.Benchmarks.Cluster.Results;

namespace OpenEmbedding.Benchmarks.Cluster;

/// <summary>
/// Runs the cases one after the other. Within a case the contenders take turns, so that what else the machine does meets all of them alike: a short
/// trial run of each, which tells how many steps fill the time, then the measured runs in rounds.
/// </summary>
/// <param name="options">What is asked for.</param>
/// <param name="commands">Writes the command lines.</param>
/// <param name="processes">Runs the jobs.</param>
/// <param name="say">Takes a line for each run.</param>
internal sealed class Bench(BenchOptions options, JobCommand commands, JobProcess processes, Action<string> say)
{
    private readonly TimeSpan _limit = TimeSpan.FromSeconds(options.Timeout);

    /// <summary>The cases that the options ask for, with ids that fit into memory.</summary>
    /// <param name="availableBytes">Memory for the tables.</param>
    public IReadOnlyList<Case> Cases(long availableBytes) =>
    [
        .. options.Workloads.SelectMany(workload => options.Ranks.Select(ranks => new Case(
            workload, ranks, MemoryLimit.FittingIds(options.Ids, workload, ranks, [.. ContendersOf(workload)], availableBytes)))),
    ];

    private IEnumerable<Contender> ContendersOf(Workload workload) =>
        options.Contenders.Where(contender => contender != Contender.PyTorch || PyTorchPeer.Knows(workload.Model));

    /// <summary>Runs a case.</summary>
    public CaseResult Run(Case job)
    {
        BenchData data = BenchData.Prepare(options, job.Ids, say);
        Turn[] turns = [.. ContendersOf(job.Workload).Select(contender => new Turn(contender))];
        foreach (Turn turn in turns)
        {
            Run(turn, job, data, RunLength.Trial, isTrial: true);
        }

        for (int round = 0; round < options.Repeats; round++)
        {
            for (int i = 0; i < turns.Length; i++)
            {
                // Every round starts with another one: the first after a pause has the coolest processor.
                Turn turn = turns[(i + round) % turns.Length];
                if (turn.Problem is null)
                {
                    Run(turn, job, data, RunLength.Of(options.Seconds, turn.LastSpeed, (long)options.BatchSize * turn.Trainers, options.WarmUp), isTrial: false);
                }
            }
        }

        return new CaseResult(job, [.. turns.Select(turn => turn.Result)]);
    }

    private void Run(Turn turn, Case job, BenchData data, RunLength length, bool isTrial)
    {
        string summary = Path.GetTempFileName();
        try
        {
            JobOutcome outcome = processes.Run(commands.Build(turn.Contender, job, data, length, summary), _limit);
            if (outcome.Problem is { } problem)
            {
                turn.Problem = problem;
                say($"{job}, {JobCommand.NameOf(turn.Contender)}: failed: {problem}");
                return;
            }

            JobSummary result = JobSummary.Read(summary);
            turn.Add(result, length, isTrial);
            say(string.Create(
                CultureInfo.InvariantCulture,
                $"{job}, {JobCommand.NameOf(turn.Contender)}{(isTrial ? ", trial" : "")}: {result.SamplesPerSecond / 1000:0.0} k samples/s in {length.Measured} steps"));
        }
        finally
        {
            File.Delete(summary);
            File.Delete(summary + ".rendezvous");
        }
    }

    /// <summary>A contender in a case.</summary>
    private sealed class Turn(Contender contender)
    {
        private readonly List<double> _speeds = [];
        private readonly List<int> _steps = [];
        private long? _memory;
        private int _servers;

        public Contender Contender => contender;

        public double LastSpeed { get; private set; }

        public int Trainers { get; private set; }

        public string? Problem { get; set; }

        public Runs Result => new(contender, _speeds, _steps, Trainers, _servers, _memory, Problem);

        public void Add(JobSummary summary, RunLength length, bool isTrial)
        {
            LastSpeed = summary.SamplesPerSecond;
            Trainers = summary.Trainers;
            _servers = summary.Servers;
            if (!isTrial)
            {
                _speeds.Add(summary.SamplesPerSecond);
                _steps.Add(length.Measured);
                _memory = Math.Max(_memory ?? 0, summary.PeakMemoryBytes ?? 0);
            }
        }
    }
}
