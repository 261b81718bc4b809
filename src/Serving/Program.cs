using System.Net;
using System.Runtime.InteropServices;
using OpenEmbedding.Collectives;
using OpenEmbedding.Serving.Shards;

namespace OpenEmbedding.Serving;

/// <summary>The program <c>oe-serve</c>.</summary>
internal static class Program
{
    public static async Task<int> Main(string[] arguments)
    {
        try
        {
            if (new ServeCommandLine().Parse(arguments) is not { } options)
            {
                Console.Write(ServeCommandLine.Help);
                return JobExitCode.Success;
            }

            if (options.ShardPort is { } port)
            {
                await ServeShards(options.Address, port);
                return JobExitCode.Success;
            }

            await using Server server = await Server.Start(options, Say);
            Say($"listens on {server.Address}" + (server.GrpcAddress is { } grpc ? $", for gRPC on {grpc}" : ""));
            await server.WaitForEnd();
            return JobExitCode.Success;
        }
        catch (OpenEmbeddingException e)
        {
            Say(e.Message);
            return e.ExitCode;
        }
    }

    private static async Task ServeShards(IPAddress address, int port)
    {
        var end = new TaskCompletionSource();
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, End);
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, End);
        await using ShardServer shards = ShardServer.Start(address, port, Say);
        Say($"listens for lookups on {shards.Address}");
        await end.Task;

        void End(PosixSignalContext signal)
        {
            signal.Cancel = true;
            end.TrySetResult();
        }
    }

    private static void Say(string line) => Console.Error.WriteLine($"oe-serve: {line}");
}
