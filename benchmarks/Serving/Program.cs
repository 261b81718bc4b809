using System.Globalization;
using OpenEmbedding.Benchmarks.Serving;

// dotnet run -c Release --project benchmarks/Serving -- MODEL_FOLDER ROWS_FILE [SECONDS]
// Predictions a second of rows in Criteo's form, one row a request: by ONNX Runtime called in a bare loop, by oe-serve over REST under wrk, and over gRPC under
// h2load (Debian's packages wrk and nghttp2-client), all on this machine, one after the other. MODEL_FOLDER has a folder for each version, as for --model.
if (args.Length is not (2 or 3))
{
    Console.Error.WriteLine("serving: expected MODEL_FOLDER ROWS_FILE [SECONDS]");
    return 2;
}

int seconds = args.Length == 3 ? int.Parse(args[2], CultureInfo.InvariantCulture) : 5;
string[][] rows = [.. File.ReadLines(args[1]).Take(256).Select(line => line.Split('\t'))];
int cores = Environment.ProcessorCount;

Console.WriteLine("| what | at the same time | predictions/s | of the bare loop | median, ms | 99 %, ms |");
Console.WriteLine("| --- | --: | --: | --: | --: | --: |");
double bare = 0;
foreach (int threads in (int[])[1, cores])
{
    Load load = BareLoop.Run(args[0], rows, threads, seconds);
    bare = load.PerSecond;
    Print("ONNX Runtime, bare loop", threads, load);
}

using var server = new ServerProcess(args[0]);

// Until the server's code is compiled for good.
LoadTool.Wrk(server.RestAddress, rows, cores, 2 * seconds);
LoadTool.H2Load(server.GrpcAddress, rows[0], cores, 2 * seconds);
int[] concurrencies = [1, 2, 8, 32, 64];
foreach (int connections in concurrencies)
{
    Print("REST, wrk", connections, LoadTool.Wrk(server.RestAddress, rows, connections, seconds));
}

foreach (int requests in concurrencies)
{
    Print("gRPC, h2load", requests, LoadTool.H2Load(server.GrpcAddress, rows[0], requests, seconds));
}

return 0;

void Print(string what, int concurrency, Load load) => Console.WriteLine(string.Create(
    CultureInfo.InvariantCulture,
    $"| {what} | {concurrency} | {load.PerSecond:F0} | {load.PerSecond / bare:P0} | {load.MedianSeconds * 1e3:F3} | {load.Percentile99Seconds * 1e3:F3} |"));
