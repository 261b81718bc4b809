using System.Diagnostics;
using System.Text.Json;

namespace OpenEmbedding.Benchmarks.Gpu;

/// <summary>Starts jobs of <c>oe-train</c> beside this program, and PyTorch's.</summary>
/// <param name="folder">Takes their files.</param>
internal sealed class Jobs(string folder)
{
    private static readonly TimeSpan _limit = TimeSpan.FromMinutes(2);
    private static readonly string _trainer = Path.Combine(AppContext.BaseDirectory, "OpenEmbedding.Trainer");
    private static readonly string _peer = Path.Combine(AppContext.BaseDirectory, "peers", "pytorch_cuda.py");

    /// <summary>Runs <c>oe-train</c>.</summary>
    /// <param name="ranks">Ranks, all on this machine.</param>
    /// <param name="arguments">What it is given.</param>
    public Outcome Train(int ranks, params IEnumerable<string> arguments) => Run(
        "mpirun.mpich", ["-np", $"{ranks}", _trainer, .. arguments, "--cluster.stall_warning_seconds", "10"]);

    /// <summary>Samples in a second, without the first steps; NaN when the job failed, which the line says.</summary>
    public double SpeedOfTraining(int ranks, IEnumerable<string> arguments, Action<string> say)
    {
        string summary = Path.Combine(folder, "summary.json");
        return Speed(Train(ranks, [.. arguments, "--output.summary", summary]), summary, say);
    }

    /// <summary>The same of PyTorch.</summary>
    public double SpeedOfPeer(IEnumerable<string> arguments, Action<string> say)
    {
        string summary = Path.Combine(folder, "summary.json");
        return Speed(Run("python3", [_peer, .. arguments, "--summary", summary]), summary, say);
    }

    private static double Speed(Outcome outcome, string summary, Action<string> say)
    {
        if (outcome.ExitCode != 0)
        {
            say($"FAIL exit code {outcome.ExitCode}: {outcome.Text.Trim().ReplaceLineEndings(" ")}");
            return double.NaN;
        }

        using JsonDocument document = JsonDocument.Parse(File.ReadAllText(summary));
        return document.RootElement.GetProperty("steady").GetProperty("samples_per_second").GetDouble();
    }

    private static Outcome Run(string program, IEnumerable<string> arguments)
    {
        using Process process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        Task<string> error = process.StandardError.ReadToEndAsync();
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        if (!process.WaitForExit(_limit))
        {
            process.Kill(entireProcessTree: true);
            return new Outcome(-1, $"took longer than {_limit.TotalSeconds} s: {output.Result}{error.Result}");
        }

        return new Outcome(process.ExitCode, output.Result + error.Result);
    }
}

/// <summary>How a program ended and what it said.</summary>
internal sealed record Outcome(int ExitCode, string Text);
