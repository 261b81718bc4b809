using System.Diagnostics;
using System.Globalization;
using OpenEmbedding.Serving;

namespace OpenEmbedding.Benchmarks.Serving;

/// <summary><c>oe-serve</c> with the model <c>criteo</c>, on free ports of this machine.</summary>
internal sealed class ServerProcess : IDisposable
{
    private readonly Process _process;

    public ServerProcess(string modelFolder)
    {
        _process = Process.Start(new ProcessStartInfo("dotnet", [typeof(ServeOptions).Assembly.Location, "--model", $"criteo={modelFolder}", "--rest-port", "0", "--grpc-port", "0"])
        {
            RedirectStandardError = true,
        })!;
        while (_process.StandardError.ReadLine() is { } line)
        {
            if (line.Split("listens on ") is [_, var addresses] && addresses.Split(", for gRPC on ") is [var rest, var grpc])
            {
                (RestAddress, GrpcAddress) = (rest, grpc);
                return;
            }
        }

        throw new InvalidOperationException(string.Create(CultureInfo.InvariantCulture, $"oe-serve ended with exit code {_process.ExitCode} before it listened"));
    }

    public string RestAddress { get; }

    public string GrpcAddress { get; }

    public void Dispose()
    {
        _process.Kill();
        _process.WaitForExit();
        _process.Dispose();
    }
}
