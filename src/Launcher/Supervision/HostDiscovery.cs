using System.ComponentModel;
using System.Diagnostics;
using OpenEmbedding.Collectives;

namespace OpenEmbedding.Launcher.Supervision;

/// <summary>Asks a program of the user's which hosts there are: it prints a line for each, <c>host</c> or <c>host:slots</c>.</summary>
/// <param name="script">The program.</param>
/// <param name="slots">The slots of a host for which it prints none.</param>
internal sealed class HostDiscovery(string script, int slots)
{
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(60);

    /// <summary>The hosts; there may be none.</summary>
    /// <exception cref="OpenEmbeddingException">The program cannot be started, fails, takes longer than 60 s or prints something else.</exception>
    public HostList Find()
    {
        var hosts = new List<Host>();
        string[] lines = Ask().Split('\n');
        for (int i = 0; i < lines.Length; i++)
        {
            string line = lines[i].Trim();
            if (line.Length > 0)
            {
                Host host = HostList.ParseHost(line, out string? wrong) ?? throw Wrong($"prints in line {i + 1}: {wrong}");
                hosts.Add(line.Contains(':') ? host : host with { Slots = slots });
            }
        }

        return HostList.Of(hosts);
    }

    private string Ask()
    {
        try
        {
            using Process process = Process.Start(new ProcessStartInfo(script) { RedirectStandardOutput = true, RedirectStandardInput = true })!;
            process.StandardInput.Close();
            Task<string> output = process.StandardOutput.ReadToEndAsync();
            if (!process.WaitForExit(_limit))
            {
                process.Kill(entireProcessTree: true);
                throw Wrong($"has not ended after {_limit.TotalSeconds} s");
            }

            return process.ExitCode == 0 ? output.GetAwaiter().GetResult() : throw Wrong($"ended with exit code {process.ExitCode}");
        }
        catch (Win32Exception e)
        {
            throw Wrong($"cannot be started: {e.Message}");
        }
    }

    private OpenEmbeddingException Wrong(string message) => new($"--host-discovery-script {script} {message}", JobExitCode.Cluster);
}
