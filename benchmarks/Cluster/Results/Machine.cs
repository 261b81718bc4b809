using System.Diagnostics;
using System.Runtime.InteropServices;

namespace OpenEmbedding.Benchmarks.Cluster.Results;

/// <summary>Where and with what the figures were taken.</summary>
/// <param name="Cpu">The processor's own name.</param>
/// <param name="Cores">Cores that the programs may use.</param>
/// <param name="MemoryBytes">All memory.</param>
/// <param name="OperatingSystem">Its name and version.</param>
/// <param name="Kernel">The kernel's version.</param>
/// <param name="Dotnet">The version of the runtime.</param>
/// <param name="TorchSharp">The version of TorchSharp.</param>
/// <param name="Mpi">The first line of what mpirun says of itself.</param>
/// <param name="Program">The version of the programs.</param>
/// <param name="Commit">The commit of the working copy, with "+changes" when it has some; null outside of one.</param>
public sealed record Machine(
    string Cpu,
    int Cores,
    long MemoryBytes,
    string OperatingSystem,
    string Kernel,
    string Dotnet,
    string TorchSharp,
    string Mpi,
    string Program,
    string? Commit)
{
    /// <summary>Asks this machine.</summary>
    public static Machine Describe() => new(
        Field("/proc/cpuinfo", "model name") ?? "unknown",
        Environment.ProcessorCount,
        GC.GetGCMemoryInfo().TotalAvailableMemoryBytes,
        RuntimeInformation.OSDescription,
        File.ReadAllText("/proc/sys/kernel/osrelease").Trim(),
        Environment.Version.ToString(),
        typeof(TorchSharp.torch).Assembly.GetName().Version!.ToString(3),
        MpiVersion(),
        typeof(OpenEmbedding.Trainer.Configuration.JobOptions).Assembly.GetName().Version!.ToString(3),
        CommitOf(AppContext.BaseDirectory));

    private static string? Field(string path, string name) =>
        File.ReadLines(path).FirstOrDefault(line => line.StartsWith(name, StringComparison.Ordinal))?.Split(':', 2)[1].Trim();

    private static string MpiVersion()
    {
        string? line = Ask("mpirun.mpich", "--version")?.Split('\n').FirstOrDefault(line => line.Contains("Version:", StringComparison.Ordinal));
        return "MPICH " + (line?.Split(':', 2)[1].Trim() ?? "of unknown version");
    }

    private static string? CommitOf(string folder)
    {
        string? commit = Ask("git", "-C", folder, "rev-parse", "--short=12", "HEAD")?.Trim();
        return string.IsNullOrEmpty(commit) ? null
            : string.IsNullOrWhiteSpace(Ask("git", "-C", folder, "status", "--porcelain", "--untracked-files=no")) ? commit
            : commit + "+changes";
    }

    private static string? Ask(string program, params string[] arguments)
    {
        try
        {
            using Process process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
            Task<string> error = process.StandardError.ReadToEndAsync();
            string output = process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            error.Wait();
            return process.ExitCode == 0 ? output : null;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return null;
        }
    }
}
