using System.Diagnostics;
using System.Runtime.InteropServices;

namespace OpenEmbedding.Launcher.Tests;

/// <summary>A real <c>oe-run</c> process.</summary>
internal sealed partial class OeRun : IDisposable
{
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(60);

    private readonly Process _process;
    private readonly List<string> _lines = [];
    private readonly Task<string> _error;

    public OeRun(params string[] arguments)
    {
        string program = typeof(Program).Assembly.Location;
        _process = Process.Start(new ProcessStartInfo("dotnet", [program, .. arguments]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        _error = _process.StandardError.ReadToEndAsync();
    }

    public int Id => _process.Id;

    /// <summary>Reads the standard output until so many lines with a beginning have come, and returns these.</summary>
    public string[] WaitForLines(string beginning, int count)
    {
        while (_lines.Count(line => line.StartsWith(beginning, StringComparison.Ordinal)) < count)
        {
            Task<string?> next = _process.StandardOutput.ReadLineAsync();
            if (!next.Wait(_limit) || next.Result is null)
            {
                Assert.Fail($"waiting for {count} lines '{beginning}…', got: {string.Join(" | ", _lines)}");
            }

            _lines.Add(next.Result);
        }

        return [.. _lines.Where(line => line.StartsWith(beginning, StringComparison.Ordinal))];
    }

    public static void Signal(int process, int signal) => Assert.Equal(0, kill(process, signal));

    /// <summary>Waits for the end; all lines of standard output and standard error and the exit code.</summary>
    public (string[] Output, string[] Error, int ExitCode) Finish()
    {
        Task<string> rest = _process.StandardOutput.ReadToEndAsync();
        if (!Task.WhenAll(rest, _error, _process.WaitForExitAsync()).Wait(_limit))
        {
            Assert.Fail($"oe-run has not ended within {_limit}; its output so far: {string.Join(" | ", _lines)}");
        }

        return ([.. _lines, .. Lines(rest.Result)], Lines(_error.Result), _process.ExitCode);
    }

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            _process.Kill(entireProcessTree: true);
        }

        _process.Dispose();
    }

    private static string[] Lines(string text) => text.Split('\n', StringSplitOptions.RemoveEmptyEntries);

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int kill(int pid, int sig);
}
