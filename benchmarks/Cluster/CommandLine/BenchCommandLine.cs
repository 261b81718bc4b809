using System.CommandLine;
using System.CommandLine.Help;
using System.Globalization;
using System.Text.RegularExpressions;
using OpenEmbedding.Collectives;
using OpenEmbedding.EmbeddingPs.Server;
using OpenEmbedding.Trainer.Configuration;
using OpenEmbedding.Trainer.Data;

namespace OpenEmbedding.Benchmarks.Cluster.CommandLine;

/// <summary>The command line of <c>oe-bench</c>.</summary>
internal static partial class BenchCommandLine
{
    private static readonly ModelName[] _models = [ModelName.WDL, ModelName.DeepFM, ModelName.XDeepFM];
    private static readonly Contender[] _contenders = [Contender.Ceiling, Contender.Ps, Contender.AllReduce, Contender.AllGather];
    private static readonly Dictionary<string, Func<BenchOptions, string, BenchOptions>> _readers = new()
    {
        ["--ranks"] = (options, text) => options with { Ranks = [.. List("--ranks", text).Select(item => Integer("--ranks", item, 1, 4096))] },
        ["--strategies"] = (options, text) => options with { Contenders = [.. List("--strategies", text).Select(Strategy).Distinct()] },
        ["--repeats"] = (options, text) => options with { Repeats = Integer("--repeats", text, 1, 1000) },
        ["--seconds"] = (options, text) => options with { Seconds = Number("--seconds", text, 0.1, 3600) },
        ["--warmup"] = (options, text) => options with { WarmUp = Integer("--warmup", text, 1, 100_000) },
        ["--timeout"] = (options, text) => options with { Timeout = Number("--timeout", text, 1, 86400) },
        ["--batch"] = (options, text) => options with { BatchSize = Integer("--batch", text, 1, 1 << 24) },
        ["--vocabulary"] = (options, text) => options with { Ids = Integer("--vocabulary", text, ZipfCategories.FewestIds, 1_000_000_000) },
        ["--zipf"] = (options, text) => options with { Zipf = Number("--zipf", text, 0, 10) },
        ["--rows"] = (options, text) => options with { Rows = Integer("--rows", text, 1, int.MaxValue) },
        ["--servers"] = (options, text) => options with { Servers = Servers(text) },
        ["--data"] = (options, text) => options with { DataFolder = text },
        ["--peer"] = (options, text) => options with { Contenders = [.. options.Contenders, Peer(text)] },
        ["--network"] = (options, text) => options with { Network = Rate(text) },
        ["--hosts"] = (options, text) => options with { Hosts = Integer("--hosts", text, 1, 200) },
        ["--out"] = (options, text) => options with { OutFolder = text },
    };

    /// <summary>The options that take a value.</summary>
    public static IEnumerable<string> OptionNames => _readers.Keys.Prepend("--dims").Prepend("--models");

    /// <summary>Says what every option is.</summary>
    public static string Help { get; } = """
        Usage: oe-bench [options] [-- options of oe-train]

        Runs whole training jobs on generated data, strategy against strategy, and prints samples per second with their ratios.
        Writes results.json, table.md and chart.png.

          --models LIST      models, each at all dimensions or at its own: WDL,DeepFM,xDeepFM:9; default WDL,DeepFM,xDeepFM
          --dims LIST        embedding dimensions; default 9,64
          --ranks LIST       ranks of a job; default 1,2,4,8
          --strategies LIST  ps, allreduce, allgather, ceiling (the dense computation alone); default all
          --servers S        cluster.servers of ps: a number, auto, colocated or colocated:N; default colocated, on as many ranks as there
                             are cores, at least one of each host
          --repeats N        measured runs of each, taken in turn; default 3
          --seconds S        measured time of a run that the number of steps aims at; default 10
          --warmup N         steps of a run before the measured ones; default 16
          --timeout S        a job that takes longer is ended and counts as failed; default 300
          --batch N          rows per step and trainer; default 4096
          --vocabulary N     ids of the 26 columns together, dealt as in Criteo's data; default 5000000, and less in cases whose replicas
                             would not fit into memory
          --zipf Z           the k-th most frequent id of a column comes in proportion to k^-Z; default 1.05
          --rows N           rows of the data file, which is read again and again; default 1048576
          --data FOLDER      where data files are kept for the next time; default artifacts/bench/data
          --out FOLDER       where the results go; default artifacts/bench
          --peer pytorch     runs DeepFM in PyTorch beside the others: gloo, sparse gradients all-gathered
          --network RATE     runs on hosts that are network namespaces, their links held to a rate as tc writes it: 1gbit; takes root and the
                             package iproute2; default: on this machine as it is
          --hosts N          hosts of --network; default 4
          -h, --help         print this

        What follows -- goes to every oe-train job, as in: oe-bench --models DeepFM:9 --ranks 8 -- --train.prefetch 2

        """;

    /// <summary>Reads the arguments; null when they ask for help.</summary>
    /// <exception cref="OpenEmbeddingException">One line; exit code <see cref="JobExitCode.Configuration"/>.</exception>
    public static BenchOptions? Parse(IReadOnlyList<string> args)
    {
        int end = args.TakeWhile(arg => arg != "--").Count();
        var root = new RootCommand();
        root.SetAction(_ => JobExitCode.Success);
        root.Options.Clear();
        root.Directives.Clear();
        var help = new HelpOption();
        var models = new Option<string?>("--models");
        var dimensions = new Option<string?>("--dims");
        Dictionary<string, Option<string?>> others = _readers.Keys.ToDictionary(name => name, name => new Option<string?>(name));
        foreach (Option option in (Option[])[help, models, dimensions, .. others.Values])
        {
            root.Add(option);
        }

        ParseResult parsed = root.Parse(
            [.. args.Take(end)], new ParserConfiguration { EnablePosixBundling = false, ResponseFileTokenReplacer = null });
        if (parsed.GetResult(help) is not null)
        {
            return null;
        }

        if (parsed.UnmatchedTokens.Count > 0)
        {
            throw Wrong($"{parsed.UnmatchedTokens[0]} is not a known option (oe-bench --help lists all)");
        }

        if (parsed.Errors.Count > 0)
        {
            throw Wrong(parsed.Errors[0].Message.ReplaceLineEndings(" "));
        }

        var options = new BenchOptions
        {
            Workloads = Workloads(parsed.GetValue(models) ?? "WDL,DeepFM,xDeepFM", parsed.GetValue(dimensions) ?? "9,64"),
            TrainerOptions = [.. args.Skip(end + 1)],
        };
        foreach ((string name, Option<string?> option) in others)
        {
            if (parsed.GetValue(option) is { } text)
            {
                options = _readers[name](options, text);
            }
        }

        return options.Network is not null && options.Contenders.Contains(Contender.PyTorch)
            ? throw Wrong("--peer runs on this machine as it is; leave --network out")
            : options;
    }

    private static List<Workload> Workloads(string models, string dimensions)
    {
        int[] all = [.. List("--dims", dimensions).Select(item => Integer("--dims", item, 1, 4096))];
        var workloads = new List<Workload>();
        foreach (string item in List("--models", models))
        {
            string[] parts = item.Split(':', 2);
            ModelName model = Model(parts[0]);
            workloads.AddRange(parts.Length == 2
                ? [new Workload(model, Integer("--models", parts[1], 1, 4096))]
                : all.Select(dimension => new Workload(model, dimension)));
        }

        return [.. workloads.Distinct()];
    }

    private static ModelName Model(string text)
    {
        ModelName[] found = [.. _models.Where(model => Workload.NameOf(model).Equals(text, StringComparison.OrdinalIgnoreCase))];
        return found.Length == 1 ? found[0] : throw Wrong($"--models: \"{text}\" is not one of WDL, DeepFM, xDeepFM");
    }

    private static Contender Strategy(string text)
    {
        Contender[] found = [.. _contenders.Where(contender => Jobs.JobCommand.NameOf(contender) == text.ToLowerInvariant())];
        return found.Length == 1 ? found[0] : throw Wrong($"--strategies: \"{text}\" is not one of ps, allreduce, allgather, ceiling");
    }

    private static ServerCount Servers(string text) =>
        ServerCount.TryParse(text, out ServerCount? servers) ? servers : throw Wrong($"--servers = \"{text}\" is not a number of ranks from 1, auto, colocated or colocated:N");

    private static Contender Peer(string text) =>
        text.Equals("pytorch", StringComparison.OrdinalIgnoreCase) ? Contender.PyTorch : throw Wrong($"--peer: \"{text}\" is not pytorch");

    private static string Rate(string text) =>
        RateOfLinks().IsMatch(text) ? text : throw Wrong($"--network = \"{text}\" is not a rate as 1gbit, 500mbit or 64kbit");

    [GeneratedRegex("^[1-9][0-9]*(k|m|g)bit$")]
    private static partial Regex RateOfLinks();

    private static string[] List(string name, string text)
    {
        string[] items = text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        return items.Length > 0 ? items : throw Wrong($"{name} is empty; it is a list with commas");
    }

    private static int Integer(string name, string text, int minimum, int maximum) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int value) && value >= minimum && value <= maximum
            ? value
            : throw Wrong($"{name} = \"{text}\" is not an integer from {minimum} to {maximum}");

    private static double Number(string name, string text, double minimum, double maximum) =>
        double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double value) && value >= minimum && value <= maximum
            ? value
            : throw Wrong(string.Create(CultureInfo.InvariantCulture, $"{name} = \"{text}\" is not a number from {minimum} to {maximum}"));

    private static OpenEmbeddingException Wrong(string message) => new($"command line: {message}", JobExitCode.Configuration);
}
