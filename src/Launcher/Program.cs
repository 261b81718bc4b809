using OpenEmbedding.Collectives;
using OpenEmbedding.Launcher.Checks;
using OpenEmbedding.Launcher.CommandLine;
using OpenEmbedding.Launcher.Preflight;
using OpenEmbedding.Launcher.Supervision;

namespace OpenEmbedding.Launcher;

/// <summary>The program <c>oe-run</c>.</summary>
internal static class Program
{
    /// <summary>The program that trains.</summary>
    public const string Trainer = "oe-train";

    // Set by the script bin/oe-run to its own folder.
    private const string ScriptFolder = "OE_RUN_FOLDER";

    private static string SearchPath => Environment.GetEnvironmentVariable("PATH") ?? "";

    public static int Main(string[] arguments)
    {
        try
        {
            if (arguments is [HostReport.Argument, _, _, ..])
            {
                Console.WriteLine(HostReport.Of(arguments.AsSpan(1)).ToJson());
                return JobExitCode.Success;
            }

            switch (new LaunchCommandLine(Environment.GetEnvironmentVariable).Parse(arguments, FindTrainer()))
            {
                case LaunchOptions options:
                    return Launch(options);
                case CheckBuildArguments:
                    return BuildCheck.Run(Console.Out, FindTrainer(), SearchPath);
                case PrintArguments print:
                    Console.Write(print.Text);
                    break;
            }

            return JobExitCode.Success;
        }
        catch (OpenEmbeddingException e)
        {
            Console.Error.WriteLine($"oe-run: {e.Message}");
            return e.ExitCode;
        }
    }

    private static int Launch(LaunchOptions options)
    {
        string mpirun = MpirunFinder.Find(SearchPath);
        var jobs = new HydraJobs(options, mpirun, Self());
        if (options.Verbose && options.HostsAreAllocated)
        {
            Say($"the Slurm allocation has {options.Hosts!.Slots} slots: {options.Hosts}");
        }

        if (options.DryRun)
        {
            Console.WriteLine(jobs.CommandLine);
            return JobExitCode.Success;
        }

        if (options.Supervision is { } rules)
        {
            bool saves = TrainerCommand.Is(options.Command);
            return new Supervisor(rules, jobs, saves, Say, TimeProvider.System).Run(options.Hosts ?? HostList.OfThisHost(options.Ranks));
        }

        if (options.Hosts is { } hosts)
        {
            string[] problems = [.. jobs.Check(hosts).Select(host => host.Problem).OfType<string>()];
            if (problems.Length > 0)
            {
                Array.ForEach(problems, Say);
                return JobExitCode.Cluster;
            }
        }

        return jobs.Run().ExitCode;
    }

    private static void Say(string line) => Console.Error.WriteLine($"oe-run: {line}");

    // The script in the folder bin, or, started without it, the program as it was.
    private static string[] Self() => Environment.GetEnvironmentVariable(ScriptFolder) is { } folder
        ? [Path.GetFullPath(Path.Combine(folder, "oe-run"))]
        : [Environment.ProcessPath!, typeof(Program).Assembly.Location];

    private static string FindTrainer()
    {
        string? folder = Environment.GetEnvironmentVariable(ScriptFolder);
        return folder is null ? Trainer : Path.GetFullPath(Path.Combine(folder, Trainer));
    }
}
