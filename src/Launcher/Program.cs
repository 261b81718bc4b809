using OpenEmbedding.Collectives;

namespace OpenEmbedding.Launcher;

/// <summary>The program <c>oe-run</c>.</summary>
internal static class Program
{
    // Set by the script bin/oe-run to its own folder.
    private const string ScriptFolder = "OE_RUN_FOLDER";

    public static int Main(string[] arguments)
    {
        try
        {
            LaunchOptions? options = new LaunchCommandLine().Parse(arguments, FindTrainer());
            return options is null ? JobExitCode.Success : Launch(options);
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
        IReadOnlyList<string> words = MpiCommandLine.Build(mpirun, options);
        if (options.DryRun)
        {
            Console.WriteLine(MpiCommandLine.Quote(words));
            return JobExitCode.Success;
        }

        if (options.Verbose)
        {
            Console.Error.WriteLine($"oe-run: {MpiCommandLine.Quote(words)}");
        }

        return JobProcess.Run(words, Console.OpenStandardOutput(), Console.OpenStandardError(), Console.Error);
    }

    private static string FindTrainer()
    {
        string? folder = Environment.GetEnvironmentVariable(ScriptFolder);
        return folder is null ? "oe-train" : Path.GetFullPath(Path.Combine(folder, "oe-train"));
    }
}
