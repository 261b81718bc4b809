using System.Runtime.InteropServices;
using System.Text.RegularExpressions;
using OpenEmbedding.Collectives;

namespace OpenEmbedding.Launcher.Checks;

/// <summary><c>oe-run --check-build</c>: what this machine has for jobs.</summary>
internal static partial class BuildCheck
{
    /// <summary>Prints a line for each check.</summary>
    /// <param name="output">Takes the lines.</param>
    /// <param name="trainer">The name or path of <c>oe-train</c>.</param>
    /// <param name="searchPath">Folders, separated as in <c>PATH</c>.</param>
    /// <returns>0 when a job can run on this machine, else <see cref="JobExitCode.Cluster"/>.</returns>
    public static int Run(TextWriter output, string trainer, string searchPath) => Write(
        output,
        [
            ("Start of ranks", [Mpirun(searchPath), NativeLibraries.Mpich(), Ssh(searchPath), Slurm(searchPath)]),
            ("Training", [Runtime(), .. TrainerFiles.Check(trainer, searchPath)]),
            ("GPUs", [NativeLibraries.Cuda(), NativeLibraries.Nccl()]),
            ("Machine", Machine.Check()),
        ]);

    internal static int Write(TextWriter output, IReadOnlyList<(string Title, IReadOnlyList<CheckResult> Results)> sections)
    {
        int width = sections.SelectMany(section => section.Results).Max(result => result.Name.Length);
        foreach ((string title, IReadOnlyList<CheckResult> results) in sections)
        {
            output.WriteLine(title);
            foreach (CheckResult result in results)
            {
                output.WriteLine($"  [{(result.Found ? 'X' : ' ')}] {result.Name.PadRight(width)}  {result.Detail}");
            }

            output.WriteLine();
        }

        string[] missing = [.. sections.SelectMany(section => section.Results).Where(result => result is { Required: true, Found: false }).Select(result => result.Name)];
        output.WriteLine(missing.Length == 0 ? "A job can run on this machine." : $"No job can run on this machine; missing: {string.Join(", ", missing)}");
        return missing.Length == 0 ? JobExitCode.Success : JobExitCode.Cluster;
    }

    private static CheckResult Mpirun(string searchPath)
    {
        const string Name = "mpirun";
        try
        {
            string mpirun = MpirunFinder.Find(searchPath);
            return new CheckResult(Name, true, $"{HydraVersion().Match(ProgramProbe.Read(mpirun, "--version")).Groups[1].Value}, {mpirun}", Required: true);
        }
        catch (OpenEmbeddingException e)
        {
            return new CheckResult(Name, false, e.Message, Required: true);
        }
    }

    private static CheckResult Ssh(string searchPath) => ProgramProbe.Find("ssh", searchPath) is string path
        ? new CheckResult("ssh", true, $"{ProgramProbe.Read(path, "-V").Split(',', '\n')[0].Trim()}, {path}")
        : new CheckResult("ssh", false, "not on PATH; needed for other hosts");

    private static CheckResult Slurm(string searchPath)
    {
        const string Name = "srun";
        if (ProgramProbe.Find(Name, searchPath) is not string path)
        {
            return new CheckResult(Name, false, "not on PATH; needed for Slurm only");
        }

        // Without a cluster's configuration it cannot even say its version.
        string first = ProgramProbe.Read(path, "--version").Split('\n')[0].Trim();
        return new CheckResult(Name, first.StartsWith("slurm", StringComparison.Ordinal), $"{first}, {path}");
    }

    private static CheckResult Runtime() =>
        new(".NET", true, $"{Environment.Version}, {RuntimeEnvironment.GetRuntimeDirectory().TrimEnd('/')}", Required: true);

    [GeneratedRegex(@"Version:\s+(\S+)")]
    private static partial Regex HydraVersion();
}
