using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace OpenEmbedding.Distributed.Tests;

/// <summary>What a job printed and how it ended.</summary>
public sealed record MpiJobResult(int ExitCode, string Output, string Error, TimeSpan Elapsed)
{
    /// <summary>Everything in one text, for the message of a failed test.</summary>
    public override string ToString() =>
        $"exit code {ExitCode} after {Elapsed.TotalSeconds:f1} s\n--- output\n{Output}\n--- error\n{Error}";
}

/// <summary>A real job under MPICH's <c>mpirun</c>; its processes end with it, at the latest when the time is over.</summary>
/// <example><code>
/// var result = MpiJob.Run(4, "path/to/oe-train.dll", ["config.json"]);
/// Assert.True(result.ExitCode == 0, result.ToString());
/// </code></example>
public sealed partial class MpiJob : IDisposable
{
    private static readonly TimeSpan _defaultTimeout = TimeSpan.FromSeconds(120);

    private readonly Process _process;
    private readonly StringBuilder _output = new();
    private readonly StringBuilder _error = new();
    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private readonly TimeSpan _timeout;

    private MpiJob(Process process, TimeSpan timeout)
    {
        _process = process;
        _timeout = timeout;
    }

    /// <summary>The process of mpirun, which leads the job's process group.</summary>
    public int ProcessId => _process.Id;

    /// <summary>The time since the start.</summary>
    public TimeSpan Elapsed => _clock.Elapsed;

    /// <summary>Runs a .NET program to its end.</summary>
    /// <param name="ranks">The number of ranks; 0 runs the program by itself, without mpirun.</param>
    /// <param name="program">The program's dll.</param>
    /// <param name="args">The program's arguments.</param>
    /// <param name="env">Environment variables to set; null removes one.</param>
    /// <param name="timeout">When to kill the job and fail; default 120 s.</param>
    public static MpiJobResult Run(
        int ranks,
        string program,
        IEnumerable<string> args,
        IReadOnlyDictionary<string, string?>? env = null,
        TimeSpan? timeout = null)
    {
        using var job = Start(ranks, program, args, env, timeout);
        return job.WaitForExit();
    }

    /// <summary>Runs a job whose ranks differ, in one world: one rank for each program with its arguments.</summary>
    public static MpiJobResult RunDifferent(IReadOnlyList<(string Program, string[] Args)> ranks, TimeSpan? timeout = null)
    {
        var words = new List<string> { "mpirun.mpich" };
        foreach (var (program, args) in ranks)
        {
            words.AddRange([.. words.Count > 1 ? (string[])[":"] : [], "-np", "1", "dotnet", program, .. args]);
        }

        using var job = Start(words, null, timeout);
        return job.WaitForExit();
    }

    /// <summary>Starts a .NET program; parameters as in <see cref="Run"/>.</summary>
    public static MpiJob Start(
        int ranks,
        string program,
        IEnumerable<string> args,
        IReadOnlyDictionary<string, string?>? env = null,
        TimeSpan? timeout = null)
    {
        string[] launcher = ranks == 0 ? [] : ["mpirun.mpich", "-np", ranks.ToString(CultureInfo.InvariantCulture)];
        return Start([.. launcher, "dotnet", program, .. args], env, timeout);
    }

    /// <summary>Starts a command that starts the ranks by itself; the other parameters as in <see cref="Run"/>.</summary>
    public static MpiJob Start(IReadOnlyList<string> words, IReadOnlyDictionary<string, string?>? env = null, TimeSpan? timeout = null)
    {
        // setsid makes mpirun the leader of a group of its own, which a signal reaches as a terminal's Ctrl-C would.
        var start = new ProcessStartInfo("setsid") { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var word in words)
        {
            start.ArgumentList.Add(word);
        }

        foreach (var (name, value) in env ?? new Dictionary<string, string?>())
        {
            start.Environment[name] = value;
        }

        var process = new Process { StartInfo = start };
        var job = new MpiJob(process, timeout ?? _defaultTimeout);
        process.OutputDataReceived += (_, line) => Append(job._output, line.Data);
        process.ErrorDataReceived += (_, line) => Append(job._error, line.Data);
        process.Start();
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return job;
    }

    /// <summary>Waits until the job has printed a text, on either stream.</summary>
    /// <exception cref="TimeoutException">The time of the job is over, or the job is.</exception>
    public void WaitForText(string text)
    {
        while (true)
        {
            var ended = _process.HasExited;
            lock (_output)
            {
                lock (_error)
                {
                    if (_output.ToString().Contains(text) || _error.ToString().Contains(text))
                    {
                        return;
                    }
                }
            }

            if (ended || _clock.Elapsed > _timeout)
            {
                throw Fail(ended ? $"ended without printing \"{text}\"" : $"did not print \"{text}\" in {_timeout.TotalSeconds} s");
            }

            _process.WaitForExit(20);
        }
    }

    /// <summary>Waits until the job has printed a text a number of times, on either stream, or is over.</summary>
    /// <returns>Whether the job goes on.</returns>
    /// <exception cref="TimeoutException">The time of the job is over.</exception>
    public bool WaitForTextOrEnd(string text, int times)
    {
        while (!_process.WaitForExit(5))
        {
            if (Count(text) >= times)
            {
                return true;
            }

            if (_clock.Elapsed > _timeout)
            {
                throw Fail($"did not print \"{text}\" {times} times in {_timeout.TotalSeconds} s");
            }
        }

        return false;
    }

    /// <summary>How often the job has printed a text, on either stream.</summary>
    public int Count(string text) => Count(_output, text) + Count(_error, text);

    /// <summary>Waits for the end of the job.</summary>
    /// <exception cref="TimeoutException">The time is over; the job is killed.</exception>
    public MpiJobResult WaitForExit()
    {
        var left = _timeout - _clock.Elapsed;
        if (!_process.WaitForExit(left > TimeSpan.Zero ? left : TimeSpan.Zero))
        {
            throw Fail($"did not end in {_timeout.TotalSeconds} s");
        }

        _process.WaitForExit(); // also for the rest of its output
        return Result(_process.ExitCode);
    }

    /// <summary>Kills what is left of the job.</summary>
    public void Dispose()
    {
        KillAll();
        _process.Dispose();
    }

    private TimeoutException Fail(string what)
    {
        KillAll();
        return new TimeoutException($"the job {what}; {Result(-1)}");
    }

    private void KillAll()
    {
        if (_process.HasExited)
        {
            return;
        }

        _process.Kill(entireProcessTree: true); // ranks have groups of their own
        _ = NativeKill(-_process.Id, SigKill);
        _process.WaitForExit(TimeSpan.FromSeconds(10));
    }

    private MpiJobResult Result(int exitCode)
    {
        lock (_output)
        {
            lock (_error)
            {
                return new MpiJobResult(exitCode, _output.ToString(), _error.ToString(), _clock.Elapsed);
            }
        }
    }

    private static int Count(StringBuilder printed, string text)
    {
        lock (printed)
        {
            return printed.ToString().Split(text).Length - 1;
        }
    }

    private static void Append(StringBuilder text, string? line)
    {
        if (line != null)
        {
            lock (text)
            {
                text.AppendLine(line);
            }
        }
    }
}
