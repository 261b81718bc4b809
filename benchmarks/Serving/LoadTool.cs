using System.Buffers.Binary;
using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using Google.Protobuf;
using OpenEmbedding.Serving.Tests;

namespace OpenEmbedding.Benchmarks.Serving;

/// <summary>Load tools that others wrote, on one thread.</summary>
internal static partial class LoadTool
{
    /// <summary>REST, rows in turn, as many connections as given, each with one request at a time.</summary>
    public static Load Wrk(string address, string[][] rows, int connections, int seconds)
    {
        using var folder = new TemporaryFolder();
        string bodies = folder.Write("bodies", string.Join('\n', rows.Select(row => RequestRows.Body(byRow: true, [row]))));
        string script = folder.Write("post.lua", $$"""
            local requests = {}
            init = function()
              for body in io.lines("{{bodies}}") do
                requests[#requests + 1] = wrk.format("POST", "/v1/models/criteo:predict", { ["Content-Type"] = "application/json" }, body)
              end
            end
            local row = 0
            request = function()
              row = row % #requests + 1
              return requests[row]
            end
            """);
        string said = Run("wrk", "-t1", $"-c{connections}", $"-d{seconds}", "--latency", "-s", script, address);
        return said.Contains("Non-2xx", StringComparison.Ordinal) || said.Contains("Socket errors", StringComparison.Ordinal)
            ? throw new InvalidOperationException(said)
            : new Load(Number(PerSecond().Match(said)), Time(Half().Match(said)), Time(Percentile99().Match(said)));
    }

    /// <summary>gRPC, one row, over one connection as a client's channel is, with as many requests at a time as given.</summary>
    public static Load H2Load(string address, string[] row, int requests, int seconds)
    {
        using var folder = new TemporaryFolder();
        byte[] message = RequestRows.Message([row], asContent: false).ToByteArray();
        byte[] frame = new byte[5 + message.Length];
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(1), message.Length);
        message.CopyTo(frame, 5);
        string body = folder.Write("frame", frame);
        string log = folder.PathOf("log");
        string said = Run(
            "h2load", "-t1", "-c1", $"-m{requests}", $"-D{seconds}", "-d", body, $"--log-file={log}",
            "-H", "content-type: application/grpc", "-H", "te: trailers", $"{address}/tensorflow.serving.PredictionService/Predict");
        if (!said.Contains(" 0 failed, 0 errored", StringComparison.Ordinal) || !said.Contains(" 0 4xx, 0 5xx", StringComparison.Ordinal))
        {
            throw new InvalidOperationException(said);
        }

        List<double> times = [.. File.ReadLines(log).Select(line => double.Parse(line.Split('\t')[2], CultureInfo.InvariantCulture) / 1e6)];
        return Load.Of(times, seconds);
    }

    private static string Run(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true })!;
        string said = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0 ? said : throw new InvalidOperationException(said);
    }

    private static double Number(Match match) => double.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture);

    private static double Time(Match match) => Number(match) * match.Groups[2].Value switch
    {
        "us" => 1e-6,
        "ms" => 1e-3,
        _ => 1,
    };

    [GeneratedRegex(@"Requests/sec:\s+([\d.]+)")]
    private static partial Regex PerSecond();

    [GeneratedRegex(@"50%\s+([\d.]+)(us|ms|s)")]
    private static partial Regex Half();

    [GeneratedRegex(@"99%\s+([\d.]+)(us|ms|s)")]
    private static partial Regex Percentile99();

    private sealed class TemporaryFolder : IDisposable
    {
        private readonly string _path = Directory.CreateTempSubdirectory("oe-serving-").FullName;

        public string PathOf(string name) => Path.Combine(_path, name);

        public string Write(string name, string text)
        {
            File.WriteAllText(PathOf(name), text);
            return PathOf(name);
        }

        public string Write(string name, byte[] bytes)
        {
            File.WriteAllBytes(PathOf(name), bytes);
            return PathOf(name);
        }

        public void Dispose() => Directory.Delete(_path, recursive: true);
    }
}
