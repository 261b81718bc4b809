using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using OpenEmbedding.Launcher.Options;

namespace OpenEmbedding.Launcher.Preflight;

/// <summary>What a command on another host printed and how it ended.</summary>
/// <param name="ExitCode">The command's exit code, 255 from ssh itself; null when it did not end in time.</param>
/// <param name="Output">Its standard output.</param>
/// <param name="Error">Its standard error.</param>
internal readonly record struct RemoteResult(int? ExitCode, string Output, string Error)
{
    /// <summary>What ssh returns when it does not come to the command.</summary>
    public const int NotReached = 255;

    /// <summary>The last line of the standard error that says something.</summary>
    public string LastWords => Error.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).LastOrDefault() ?? "without a word";
}

/// <summary>Runs commands on other hosts, as hydra starts its proxies: with ssh, or the program that stands for it.</summary>
internal sealed class RemoteShell(RemoteStartOptions options)
{
    /// <summary>Runs a command; its standard input is empty.</summary>
    /// <param name="host">The host.</param>
    /// <param name="command">A command line for a POSIX shell.</param>
    /// <param name="limit">When it is ended.</param>
    public async Task<RemoteResult> RunAsync(string host, string command, TimeSpan limit)
    {
        string program = options.LauncherProgram ?? "ssh";
        Process process;
        try
        {
            // In a group of its own a Ctrl-C of the terminal leaves it to this process.
            process = Process.Start(new ProcessStartInfo("setsid", ["--wait", program, .. Arguments(limit), host, command])
            {
                RedirectStandardInput = true,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            })!;
        }
        catch (Win32Exception e)
        {
            return new RemoteResult(RemoteResult.NotReached, "", e.Message);
        }

        using (process)
        using (var cancellation = new CancellationTokenSource(limit))
        {
            process.StandardInput.Close();
            Task<string> output = process.StandardOutput.ReadToEndAsync(CancellationToken.None);
            Task<string> error = process.StandardError.ReadToEndAsync(CancellationToken.None);
            try
            {
                await process.WaitForExitAsync(cancellation.Token).ConfigureAwait(false);
                return new RemoteResult(process.ExitCode, await output.ConfigureAwait(false), await error.ConfigureAwait(false));
            }
            catch (OperationCanceledException)
            {
                process.Kill(entireProcessTree: true);
                return new RemoteResult(null, "", "");
            }
        }
    }

    // Each argument is one word: programs that stand for ssh need only pass over words with a dash.
    private IEnumerable<string> Arguments(TimeSpan limit)
    {
        yield return "-x";
        yield return "-oBatchMode=yes";
        yield return string.Create(CultureInfo.InvariantCulture, $"-oConnectTimeout={Math.Max(1, (int)limit.TotalSeconds)}");
        if (options.SshPort is int port)
        {
            yield return string.Create(CultureInfo.InvariantCulture, $"-p{port}");
        }

        if (options.SshIdentityFile is string file)
        {
            yield return $"-i{file}";
        }
    }
}
