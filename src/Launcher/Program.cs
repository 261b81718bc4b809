using OpenEmbedding.Collectives;
using OpenEmbedding.Launcher.CommandLine;
using OpenEmbedding.Launcher.Options;
using OpenEmbedding.Launcher.Output;

namespace OpenEmbedding.Launcher;

/// <summary>The program <c>oe-run</c>.</summary>
internal static class Program
{
    /// <summary>The program that trains.</summary>
    public const string Trainer = "oe-train";

    // Set by the script bin/oe-run to its own folder.
    private const string ScriptFolder = "OE_RUN_FOLDER";

    public static int Main(string[] arguments)
    {
        try
        {
            switch (new LaunchCommandLine(Environment.GetEnvironmentVariable).Parse(arguments, FindTrainer()))
            {
                case LaunchOptions options:
                    return Launch(options);
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
        string mpirun = MpirunFinder.Find(Environment.GetEnvironmentVariable("PATH") ?? "");
        RankMarker? marker = options.Output.ByRank ? RankMarker.Create() : null;
        IReadOnlyList<string> words = MpiCommandLine.Build(mpirun, options, marker);
        if (options.DryRun)
        {
            Console.WriteLine(MpiCommandLine.Quote(words));
            return JobExitCode.Success;
        }

        if (options.Verbose)
        {
            if (options.HostsAreAllocated)
            {
                Console.Error.WriteLine($"oe-run: the Slurm allocation has {options.Hosts!.Slots} slots: {options.Hosts}");
            }

            Console.Error.WriteLine($"oe-run: {MpiCommandLine.Quote(words)}");
        }

        using JobOutput output = Open(options, marker, Console.OpenStandardOutput(), "stdout");
        using JobOutput error = Open(options, marker, Console.OpenStandardError(), "stderr");
        return JobProcess.Run(words, output, error, Console.Error);
    }

    private static JobOutput Open(LaunchOptions options, RankMarker? marker, Stream console, string name)
    {
        OutputOptions output = options.Output;
        RankFiles? files = output.Folder is null ? null : new RankFiles(output.Folder, name, options.Ranks, Console.Error);
        return new JobOutput(console, name, Console.Error, marker, output.Prefix, files);
    }

    private static string FindTrainer()
    {
        string? folder = Environment.GetEnvironmentVariable(ScriptFolder);
        return folder is null ? Trainer : Path.GetFullPath(Path.Combine(folder, Trainer));
    }
}
