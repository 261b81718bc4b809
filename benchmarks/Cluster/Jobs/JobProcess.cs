using System.ComponentModel;
using System.Diagnostics;
using System.Text;

namespace OpenEmbedding.Benchmarks.Cluster.Jobs;

/// <summary>How a job ended.</summary>
/// <param name="Problem">Null when all went well, else one line.</param>
internal readonly record struct JobOutcome(string? Problem);

/// <summary>Runs one job at a time and ends it with all its processes when its time is over or this program is interrupted.</summary>
internal sealed class JobProcess
{
    private static readonly TimeSpan _grace = TimeSpan.FromSeconds(10);

    private readonly object _gate = new();
    private Process? _current;
    private bool _interrupted;

    /// <summary>Runs a job to its end.</summary>
    /// <param name="words">The program and its arguments.</param>
    /// <param name="limit">How long it may take.</param>
    /// <exception cref="OperationCanceledException">This program was interrupted.</exception>
    public JobOutcome Run(IReadOnlyList<string> words, TimeSpan limit)
    {
        var said = new StringBuilder();
        using Process process = Start(words, said);
        bool ended = process.WaitForExit(limit);
        if (ended)
        {
            // Also for the rest of what it said.
            process.WaitForExit();
        }
        else
        {
            End(process);
        }

        lock (_gate)
        {
            _current = null;
            if (_interrupted)
            {
                throw new OperationCanceledException();
            }
        }

        return new JobOutcome(
            !ended ? $"took longer than {limit.TotalSeconds:0} s; its last words: {LastLine(said)}"
            : process.ExitCode != 0 ? $"exit code {process.ExitCode}: {FirstLine(said)}"
            : null);
    }

    /// <summary>Ends the job that runs and lets no other start; any thread may call it.</summary>
    public void Interrupt()
    {
        Process? process;
        lock (_gate)
        {
            _interrupted = true;
            process = _current;
        }

        if (process is not null)
        {
            End(process);
        }
    }

    private static string FirstLine(StringBuilder text)
    {
        string[] lines = Lines(text);
        return lines.FirstOrDefault(line => line.StartsWith("oe-", StringComparison.Ordinal)) ?? lines.FirstOrDefault() ?? "it said nothing";
    }

    private static string LastLine(StringBuilder text) => Lines(text).LastOrDefault() ?? "none";

    private static string[] Lines(StringBuilder text)
    {
        lock (text)
        {
            return text.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        }
    }

    /// <summary>Asks mpirun to end its ranks, which leaves no shared memory behind; what does not follow is killed.</summary>
    private static void End(Process process)
    {
        try
        {
            Native.Send(process.Id, Native.Terminate);
            if (!process.WaitForExit(_grace))
            {
                process.Kill(entireProcessTree: true);
            }
        }
        catch (InvalidOperationException)
        {
            // It has ended meanwhile.
        }
    }

    private Process Start(IReadOnlyList<string> words, StringBuilder said)
    {
        // In a session of its own the job gets no Ctrl-C of the terminal: this program ends it.
        var start = new ProcessStartInfo("setsid", words) { RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true };
        start.Environment["LC_ALL"] = "C";
        var process = new Process { StartInfo = start };
        process.OutputDataReceived += (_, line) => Append(line.Data);
        process.ErrorDataReceived += (_, line) => Append(line.Data);
        lock (_gate)
        {
            if (_interrupted)
            {
                throw new OperationCanceledException();
            }

            try
            {
                process.Start();
            }
            catch (Win32Exception e)
            {
                throw new BenchException($"setsid, of the package util-linux, cannot be started: {e.Message}", e);
            }

            _current = process;
        }

        process.StandardInput.Close();
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return process;

        void Append(string? line)
        {
            lock (said)
            {
                if (line is not null)
                {
                    said.Append(line).Append('\n');
                }
            }
        }
    }
}
