using System.ComponentModel;
using System.Diagnostics;

namespace OpenEmbedding.Benchmarks.Cluster.Network;

/// <summary>Runs small commands of the system.</summary>
internal static class Command
{
    /// <summary>Runs a command that must succeed.</summary>
    /// <exception cref="BenchException">It cannot be started, or it failed; with its own words.</exception>
    public static void Run(params string[] words)
    {
        if (Try(words) is { } problem)
        {
            throw new BenchException($"{string.Join(' ', words)}: {problem}");
        }
    }

    /// <summary>Runs a command; null when it succeeded, else what it said.</summary>
    public static string? Try(params string[] words)
    {
        try
        {
            // In a session of its own a Ctrl-C of the terminal does not end it half-way.
            using Process process = Process.Start(
                new ProcessStartInfo("setsid", ["--wait", .. words]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
            Task<string> output = process.StandardOutput.ReadToEndAsync();
            string error = process.StandardError.ReadToEnd();
            process.WaitForExit();
            return process.ExitCode == 0 ? null : (error + output.Result).Trim().ReplaceLineEndings("; ");
        }
        catch (Win32Exception e)
        {
            return e.Message;
        }
    }
}
