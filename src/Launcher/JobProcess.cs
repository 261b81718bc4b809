using System.ComponentModel;
using System.Diagnostics;
using System.Runtime.InteropServices;
using OpenEmbedding.Collectives;

namespace OpenEmbedding.Launcher;

/// <summary>A running job: hydra's process, the signals on their way to it and its output on the way from it.</summary>
internal sealed class JobProcess
{
    // Processes that a rank left behind can hold the output open after the job has ended; nobody waits for them longer than this.
    private static readonly TimeSpan _outputGrace = TimeSpan.FromSeconds(5);

    // What mpiexec returns when it fails by itself, as when a host cannot be reached.
    private const int HydraFailure = 255;

    private readonly TerminationBanner _banner = new();
    private readonly Complaint _complaint = new();
    private readonly TextWriter _messages;
    private readonly object _gate = new();
    private Process? _process;
    private int? _received;

    private JobProcess(TextWriter messages)
    {
        _messages = messages;
    }

    /// <summary>Runs the job to its end.</summary>
    /// <param name="words">The program and its arguments.</param>
    /// <param name="output">Takes the job's standard output.</param>
    /// <param name="error">Takes the job's standard error.</param>
    /// <param name="messages">Takes the line about a rank that was killed and the one about an interruption.</param>
    /// <param name="stop">Asks the ranks to end, by SIGTERM.</param>
    public static JobOutcome Run(IReadOnlyList<string> words, Stream output, Stream error, TextWriter messages, CancellationToken stop = default)
    {
        return new JobProcess(messages).Run(words, output, error, stop);
    }

    private JobOutcome Run(IReadOnlyList<string> words, Stream output, Stream error, CancellationToken stop)
    {
        using PosixSignalRegistration interrupt = Forward(PosixSignal.SIGINT, Signals.Interrupt);
        using PosixSignalRegistration terminate = Forward(PosixSignal.SIGTERM, Signals.Terminate);
        // Hydra would die of a hang-up without a word to its ranks.
        using PosixSignalRegistration hangUp = Forward(PosixSignal.SIGHUP, Signals.Terminate);

        // In a session of its own hydra gets every signal from here only. In this one a Ctrl-C of the terminal would reach it twice,
        // and the second makes it kill the ranks without letting them end.
        using Process process = Start(words);
        Attach(process);
        using CancellationTokenRegistration stopping = stop.Register(() => SendToJob(Signals.Terminate));

        Task copies = Task.WhenAll(
            Task.Run(() => Copy(process.StandardOutput.BaseStream, output, _banner.Observe)),
            Task.Run(() => Copy(process.StandardError.BaseStream, error, _complaint.Observe)));
        process.WaitForExit();
        copies.Wait(_outputGrace);
        return Report(process.ExitCode);
    }

    private static Process Start(IReadOnlyList<string> words)
    {
        try
        {
            return Process.Start(new ProcessStartInfo("setsid", words) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        }
        catch (Win32Exception e)
        {
            throw new OpenEmbeddingException($"setsid, of the package util-linux, cannot be started: {e.Message}", innerException: e);
        }
    }

    private PosixSignalRegistration Forward(PosixSignal signal, int number)
    {
        return PosixSignalRegistration.Create(signal, context =>
        {
            context.Cancel = true;
            lock (_gate)
            {
                _received = number;
                SendToJob(number);
            }
        });
    }

    private void SendToJob(int signal)
    {
        lock (_gate)
        {
            if (_process is not null)
            {
                Signals.Send(_process.Id, signal);
            }
        }
    }

    // A signal that came before there was a process to send it to is sent now.
    private void Attach(Process process)
    {
        lock (_gate)
        {
            _process = process;
            if (_received is int number)
            {
                Signals.Send(process.Id, number);
            }
        }
    }

    private delegate void Observer(ReadOnlySpan<byte> output);

    private static void Copy(Stream from, Stream to, Observer observe)
    {
        byte[] buffer = new byte[64 * 1024];
        while (from.Read(buffer) is > 0 and int count)
        {
            to.Write(buffer, 0, count);
            to.Flush();
            observe(buffer.AsSpan(0, count));
        }
    }

    private JobOutcome Report(int exitCode)
    {
        int? received;
        lock (_gate)
        {
            // The number of a process that has ended may be given to another one.
            _process = null;
            received = _received;
        }

        if (received is int number)
        {
            int result = exitCode == 0 || exitCode == number || exitCode == 128 + number ? JobExitCode.Interrupted : exitCode;
            _messages.WriteLine($"oe-run: interrupted by {Signals.Describe(number)}; the job has ended with exit code {result}");
            return new JobOutcome(result) { IsInterrupted = true };
        }

        string? cause = Describe(exitCode);
        if (cause is not null)
        {
            _messages.WriteLine($"oe-run: {cause}; the job has ended with exit code {exitCode}");
        }

        return new JobOutcome(exitCode, _complaint.Line ?? cause) { Host = _banner.Signal is null && exitCode != HydraFailure ? null : _banner.Host };
    }

    private string? Describe(int exitCode) => exitCode switch
    {
        _ when _banner.Signal is int signal => $"a rank on host {_banner.Host} was killed by {Signals.Describe(signal)}",
        // On several hosts hydra may fail over a rank's death before it has said of what.
        HydraFailure when _banner.Host is not null => $"a rank on host {_banner.Host} died, and mpirun did not say of what",
        HydraFailure => "mpirun could not start a rank or lost one; its own words are above",
        > 128 and <= 128 + Signals.Last and not JobExitCode.Interrupted => $"mpirun ended as after {Signals.Describe(exitCode - 128)}",
        _ => null,
    };
}
