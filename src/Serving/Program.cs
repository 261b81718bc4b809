using OpenEmbedding.Collectives;

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

    private static void Say(string line) => Console.Error.WriteLine($"oe-serve: {line}");
}
